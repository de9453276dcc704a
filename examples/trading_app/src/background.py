"""The background processes, their start and stop: `main.py scheduler` and `main.py worker`."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import uuid

from src import logs, scheduler, worker
from src.quotes import open_redis
from src.settings import Settings

log = logging.getLogger(__name__)


def run(name: str, settings: Settings) -> int:
    """Run the process called `name` until SIGTERM or SIGINT."""
    logs.configure(settings)
    asyncio.run(_run(name, settings))
    return 0


async def _run(name: str, settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # never the name of an earlier life: a container that restarts keeps its host name and process id
    process = f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
    log.info("%s %s started, release %s", name, process, settings.release)
    async with open_redis(settings.redis_url) as redis:
        if name == "scheduler":
            await scheduler.run(redis, process, settings.release, stop)
        else:
            await worker.run(redis, process, stop)
    log.info("%s %s stopped", name, process)
