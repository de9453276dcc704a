"""The worker: does the jobs in the Redis list `jobs`, each at least once.

A job is moved to a list of the worker's own while it is done. A worker that was killed leaves it there; any
other worker puts it back and counts it in `jobs:cut`. A stopped one finishes its job first: `jobs:cut` stays."""

from __future__ import annotations

import asyncio
import json
import logging

from redis.asyncio import Redis
from redis.exceptions import RedisError

from src.waiting import end, pause

QUEUE = "jobs"
RUNNING = "jobs:running:"
ALIVE = "jobs:alive:"
DONE = "jobs:done"
CUT = "jobs:cut"
BAD = "jobs:bad"
ALIVE_SECONDS = 5
POLL_SECONDS = 0.5
LONGEST_SECONDS = 3600
log = logging.getLogger(__name__)


async def run(redis: Redis, process: str, stop: asyncio.Event) -> None:
    """Do jobs until `stop`; the one in hand is finished."""
    await _say_alive(redis, process)
    beating = asyncio.create_task(_keep_alive(redis, process))
    while not stop.is_set():
        try:
            await rescue(redis)
            job = await redis.blmove(QUEUE, RUNNING + process, POLL_SECONDS, "LEFT", "RIGHT")
        except (RedisError, OSError) as error:
            log.warning("worker: %s; trying again", error)
            await pause(stop, 1)
            continue
        if job:
            await _record(redis, process, job, await do(job))
    await end(beating)


async def do(job: str) -> str:
    """Do the job and return the name of the counter it belongs to."""
    try:
        wanted = json.loads(job)
        seconds, name = float(wanted["seconds"]), wanted["id"]
        if not 0 <= seconds <= LONGEST_SECONDS:
            raise ValueError
    except (ValueError, TypeError, KeyError):
        log.error("not a job: %.200s", job)
        return BAD
    await asyncio.sleep(seconds)
    log.info("job %s done in %g s", name, seconds)
    return DONE


async def rescue(redis: Redis) -> None:
    """Put back the jobs of workers that are gone without finishing them."""
    async for running in redis.scan_iter(RUNNING + "*"):
        if await redis.exists(ALIVE + running[len(RUNNING):]):
            continue
        while job := await redis.lmove(running, QUEUE, "RIGHT", "LEFT"):
            await redis.incr(CUT)
            log.error("job was cut, put back: %.200s", job)


async def _record(redis: Redis, process: str, job: str, counter: str) -> None:
    """Take the job off our list and count it; the work is done, so an outage of Redis is waited out."""
    while True:
        try:
            async with redis.pipeline(transaction=True) as transaction:
                transaction.lrem(RUNNING + process, 1, job).incr(counter)
                await transaction.execute()
            return
        except (RedisError, OSError) as error:
            log.warning("worker: job not recorded yet: %s", error)
            await asyncio.sleep(1)


async def _keep_alive(redis: Redis, process: str) -> None:
    while True:
        await asyncio.sleep(1)
        await _say_alive(redis, process)


async def _say_alive(redis: Redis, process: str) -> None:
    try:
        await redis.set(ALIVE + process, "1", ex=ALIVE_SECONDS)
    except (RedisError, OSError) as error:
        log.warning("worker: %s", error)
