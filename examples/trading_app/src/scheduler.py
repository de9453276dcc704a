"""The scheduler: a singleton. It holds a lease in Redis, and counts if it ever met another one at work."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from datetime import datetime, timezone

from redis.asyncio import Redis
from redis.asyncio.lock import Lock
from redis.exceptions import LockError, RedisError

from src.waiting import pause

LEASE = "scheduler:lease"
OVERLAPS = "scheduler:overlaps"
HEARTBEAT = "scheduler:heartbeat"
LEASE_SECONDS = 5.0
RENEW_SECONDS = 1.0
RETRY_SECONDS = 0.2
log = logging.getLogger(__name__)


async def run(redis: Redis, process: str, release: str, stop: asyncio.Event) -> None:
    """Work whenever the lease is ours, until `stop`; then give it back."""
    lease = redis.lock(LEASE, timeout=LEASE_SECONDS, blocking=False, thread_local=False)
    has_looked_around = False
    while not stop.is_set():
        is_holder = False
        try:
            if not has_looked_around:
                await count_overlap(redis)
                has_looked_around = True
            is_holder = await hold(lease)
            if is_holder:
                await _beat(redis, process, release)
        except (RedisError, OSError) as error:
            log.warning("scheduler: %s; trying again", error)
        await pause(stop, RENEW_SECONDS if is_holder else RETRY_SECONDS)
    with suppress(RedisError, OSError, asyncio.TimeoutError):
        await asyncio.wait_for(lease.release(), 0.5)


async def count_overlap(redis: Redis) -> None:
    """Count a holder that is alive: a killed one stops renewing, so its lease has already aged."""
    remaining_ms = await redis.pttl(LEASE)
    if remaining_ms > (LEASE_SECONDS - 1.5 * RENEW_SECONDS) * 1000:
        log.error("another scheduler is at work; waiting for its lease")
        await redis.incr(OVERLAPS)


async def hold(lease: Lock) -> bool:
    """Renew the lease if it is ours, else try to take it; whether it is ours now."""
    with suppress(LockError):
        return bool(await lease.reacquire())
    return bool(await lease.acquire())


async def _beat(redis: Redis, process: str, release: str) -> None:
    """What a monitor reads; it expires, so that a dead scheduler is missing rather than old."""
    beat = {"process": process, "release": release, "at": datetime.now(timezone.utc).isoformat()}
    await redis.set(HEARTBEAT, json.dumps(beat), ex=60)
