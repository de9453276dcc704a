"""The API: routes, and what they share."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import anyio
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from src import fields, logs, migrate, orders, quotes
from src.database import Database, DatabaseUnavailable, first_line, open_database
from src.settings import Settings, read_settings
from src.waiting import end, within

CHECK_TIMEOUT_SECONDS = 2.0
GOING_AWAY = 1001


@dataclass(frozen=True)
class Services:
    """What every handler may use, reached as `request.app.state.services`."""

    settings: Settings
    database: Database
    redis: Redis
    feed: quotes.QuoteFeed
    started_at: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat())


def create_app(settings: Settings, redis: Redis | None = None) -> Starlette:
    """The application. Nothing is connected yet, so it starts with its database and Redis down."""
    redis = redis or quotes.open_redis(settings.redis_url)
    services = Services(settings, open_database(settings), redis, quotes.QuoteFeed(redis))
    app = Starlette(
        routes=[
            Route("/health", health),
            Route("/version", version),
            Route("/slow", slow),
            Route("/orders", place_order, methods=["POST"]),
            Route("/orders", list_orders),
            Route("/orders/{order_id:uuid}", show_order),
            Route("/quotes/{symbol}", put_quote, methods=["PUT"]),
            Route("/quotes/{symbol}", show_quote),
            WebSocketRoute("/stream", stream),
        ],
        exception_handlers={fields.Invalid: _invalid, DatabaseUnavailable: _unavailable, RedisError: _unavailable},
        lifespan=_lifespan,
    )
    app.state.services = services
    return app


def from_environment() -> Starlette:
    """The application for the reloading development server, which can only be given a name."""
    settings = read_settings(os.environ)
    logs.configure(settings)
    return create_app(settings)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    services: Services = app.state.services
    if services.settings.sqlite_path:  # a developer's own file; elsewhere `main.py migrate` is a step of the deploy
        migrate.apply(services.settings)
    following = asyncio.create_task(services.feed.run())
    yield
    await end(following)
    await services.database.close()
    await services.redis.aclose()


async def health(request: Request) -> Response:
    """200 if a real query and a real PING succeed, else 503 saying what failed."""
    services = _services(request)
    database, redis = await asyncio.gather(
        _check(lambda: services.database.fetch("select 1")),
        _check(lambda: _ping(services.redis)),
    )
    healthy = database["ok"] and redis["ok"]
    body = {
        "status": "healthy" if healthy else "unhealthy",
        "database": database,
        "redis": redis,
        "release": services.settings.release,
    }
    return JSONResponse(body, 200 if healthy else 503, headers={"cache-control": "no-store"})


async def _ping(redis: Redis) -> None:
    await redis.ping()


async def _check(probe: Callable[[], Coroutine[Any, Any, object]]) -> dict[str, Any]:
    started = time.perf_counter()
    outcome: dict[str, Any] = {"ok": True}
    try:
        await within(probe(), CHECK_TIMEOUT_SECONDS)
    except Exception as error:  # whatever it is, it belongs in the answer
        outcome = {"ok": False, "error": first_line(error)}
    return {**outcome, "ms": round((time.perf_counter() - started) * 1000, 1)}


async def version(request: Request) -> Response:
    """Which release answers, and since when."""
    services = _services(request)
    return JSONResponse(
        {
            "release": services.settings.release,
            "version": services.settings.version,
            "started_at": services.started_at,
            "hostname": socket.gethostname(),
            "environment": services.settings.environment,
        }
    )


async def slow(request: Request) -> Response:
    """Answer after `seconds` (at most 30), to prove that requests in flight are finished."""
    seconds = min(30.0, fields.number_between(request.query_params.get("seconds", "1"), 0, 3600, "seconds"))
    await asyncio.sleep(seconds)
    return JSONResponse({"slept_seconds": seconds, "release": _services(request).settings.release})


async def place_order(request: Request) -> Response:
    """201 with the new order, or 200 with the one that has this client_order_id already."""
    order = fields.parse(await request.body(), orders.FIELDS)
    placed, is_new = await orders.place(_services(request).database, order)
    return JSONResponse(placed, 201 if is_new else 200)


async def list_orders(request: Request) -> Response:
    """The newest orders, `limit` of them (50)."""
    limit = int(fields.number_between(request.query_params.get("limit", "50"), 1, 500, "limit"))
    return JSONResponse(await orders.newest(_services(request).database, limit))


async def show_order(request: Request) -> Response:
    """One order, by id."""
    return _found(await orders.find(_services(request).database, request.path_params["order_id"]), "order")


async def put_quote(request: Request) -> Response:
    """Store the quote and tell the streams."""
    bid_ask = fields.parse(await request.body(), quotes.FIELDS)
    return JSONResponse(await quotes.put(_services(request).redis, _symbol(request), bid_ask))


async def show_quote(request: Request) -> Response:
    """The last quote of the symbol."""
    return _found(await quotes.get(_services(request).redis, _symbol(request)), "quote")


async def stream(websocket: WebSocket) -> None:
    """A greeting with the release, then every quote as it changes; ends with 1001 when the server stops."""
    services: Services = websocket.app.state.services
    await websocket.accept()
    with services.feed.subscribe() as messages:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(services.feed.live.wait(), CHECK_TIMEOUT_SECONDS)
        greeting = {"type": "hello", "release": services.settings.release, "live": services.feed.live.is_set()}
        await websocket.send_json(greeting)
        await _until_one_ends(lambda: _send(websocket, messages), lambda: _until_gone(websocket))


async def _send(websocket: WebSocket, messages: asyncio.Queue[str | None]) -> None:
    while (message := await messages.get()) is not None:
        await websocket.send_text(message)
    await websocket.close(GOING_AWAY, "server is stopping")


async def _until_gone(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def _until_one_ends(*halves: Callable[[], Awaitable[None]]) -> None:
    """Run them together and end the other when one ends; a client that vanished is not an error."""

    async def run(half: Callable[[], Awaitable[None]]) -> None:
        with suppress(WebSocketDisconnect):
            await half()
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for half in halves:
            group.start_soon(run, half)


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _symbol(request: Request) -> str:
    try:
        return fields.symbol(request.path_params["symbol"])
    except ValueError as error:
        raise fields.Invalid({"symbol": str(error)}) from None


def _found(item: dict[str, Any] | None, what: str) -> Response:
    return JSONResponse({"error": f"no such {what}"}, 404) if item is None else JSONResponse(item)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, fields.Invalid)
    return JSONResponse({"errors": error.reasons}, 422)


def _unavailable(request: Request, error: Exception) -> Response:
    what = "redis" if isinstance(error, RedisError) else "database"
    return JSONResponse({"error": f"{what} unavailable: {first_line(error)}"}, 503, headers={"retry-after": "1"})
