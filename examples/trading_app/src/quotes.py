"""Quotes: the last one of each symbol in Redis, changes published to whoever streams."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from src import fields

CHANNEL = "quotes"
BACKLOG = 1000
FIELDS = {"bid": fields.amount, "ask": fields.amount}
log = logging.getLogger(__name__)


def open_redis(url: str) -> Redis:
    """A client with pooled connections, not yet connected. One retry renews a connection lost to a restart."""
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=2,
        socket_connect_timeout=2,
        health_check_interval=15,
        retry=Retry(NoBackoff(), 1),
    )


async def put(redis: Redis, symbol: str, bid_ask: dict[str, Any]) -> dict[str, str]:
    """Store and publish the quote in one transaction, and return it. Raise Invalid if it is crossed."""
    if bid_ask["bid"] > bid_ask["ask"]:
        raise fields.Invalid({"ask": "should not be below the bid"})
    quote = {"symbol": symbol, **{side: fields.plain(bid_ask[side]) for side in FIELDS}, "at": _now()}
    async with redis.pipeline(transaction=True) as transaction:
        transaction.set(f"quote:{symbol}", json.dumps(quote))
        transaction.publish(CHANNEL, json.dumps({"type": "quote", **quote}))
        await transaction.execute()
    return quote


async def get(redis: Redis, symbol: str) -> dict[str, str] | None:
    """The last quote of the symbol."""
    stored = await redis.get(f"quote:{symbol}")
    return json.loads(stored) if stored else None


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()


class QuoteFeed:
    """One subscription in Redis a process, copied to every stream; a slow stream loses its oldest quotes."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._streams: set[asyncio.Queue[str | None]] = set()
        self._closing = False
        self.live = asyncio.Event()

    @contextmanager
    def subscribe(self) -> Iterator[asyncio.Queue[str | None]]:
        """A queue of messages; None means that the server is going away."""
        queue: asyncio.Queue[str | None] = asyncio.Queue(BACKLOG)
        self._streams.add(queue)
        if self._closing:
            queue.put_nowait(None)
        try:
            yield queue
        finally:
            self._streams.discard(queue)

    async def run(self) -> None:
        """Follow the channel until cancelled, through any outage of Redis."""
        while True:
            try:
                await self._follow()
            except (RedisError, OSError) as error:
                log.warning("quote feed: %s; trying again", error)
            self.live.clear()
            await asyncio.sleep(1)

    async def close(self, timeout: float = 1.0) -> None:
        """Tell every stream to end and wait until they have, at most `timeout` seconds."""
        self._closing = True
        self._offer(None)
        deadline = asyncio.get_running_loop().time() + timeout
        while self._streams and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.005)

    async def _follow(self) -> None:
        async with self._redis.pubsub() as subscription:
            await subscription.subscribe(CHANNEL)
            while True:
                message = await subscription.get_message(timeout=1)
                if message is None:
                    continue
                self.live.set()  # the first one confirms the subscription
                if message["type"] == "message":
                    self._offer(message["data"])

    def _offer(self, message: str | None) -> None:
        for queue in self._streams:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(message)
