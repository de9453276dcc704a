"""The web server, and how it stops: no new requests, the ones in flight finished, streams told to go."""

from __future__ import annotations

import socket

import uvicorn
from starlette.applications import Starlette

from src import logs
from src.app import Services, create_app
from src.settings import Settings

HOST = "0.0.0.0"
# Longer than a proxy keeps its idle connections (Caddy: 2 minutes), so that it is never the
# application that closes one just as the proxy sends a request on it.
KEEP_ALIVE_SECONDS = 150


class GracefulServer(uvicorn.Server):
    """Uvicorn, except that streams end with 1001 (going away) and before anything else."""

    def __init__(self, config: uvicorn.Config, services: Services) -> None:
        super().__init__(config)
        self._services = services

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, end the streams, then let uvicorn finish the requests in flight."""
        for server in self.servers:
            server.close()
        await self._services.feed.close()
        await super().shutdown(sockets)


def serve(settings: Settings, *, reload: bool) -> int:
    """Serve until SIGTERM or SIGINT. uvicorn repeats the signal once it is done; main.py's handler makes it 0."""
    if reload:
        uvicorn.run("src.app:from_environment", factory=True, host=HOST, port=settings.port, reload=True)
        return 0
    logs.configure(settings)
    app = create_app(settings)
    GracefulServer(_config(app, settings), app.state.services).run()
    return 0


def _config(app: Starlette, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=HOST,
        port=settings.port,
        log_config=None,
        access_log=settings.log_level == "DEBUG",
        server_header=False,
        headers=[("x-release", settings.release)],
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.stop_grace_seconds,
    )
