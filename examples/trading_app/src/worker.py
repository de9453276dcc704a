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
WORKERS = "jobs:workers"
RUNNING = "jobs:running:"
ALIVE = "jobs:alive:"
DONE = "jobs:done"
CUT = "jobs:cut"
BAD = "jobs:bad"
ALIVE_SECONDS = 5
BEAT_SECONDS = 1
POLL_SECONDS = 0.2
LONGEST_SECONDS = 3600
log = logging.getLogger(__name__)


async def run(redis: Redis, process: str, stop: asyncio.Event) -> None:
    """Do jobs until `stop`; the one in hand is finished."""
    await _beat(redis, process)
    beating = asyncio.create_task(_keep_beating(redis, process))
    while not stop.is_set():
        job = await _take(redis, process)
        if job:
            await _record(redis, process, job, await do(job))
        else:
            await pause(stop, POLL_SECONDS)
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
    for worker in map(str, await redis.smembers(WORKERS)):
        if await redis.exists(ALIVE + worker):
            continue
        while job := await redis.lmove(RUNNING + worker, QUEUE, "RIGHT", "LEFT"):
            await redis.incr(CUT)
            log.error("job was cut, put back: %.200s", job)
        await redis.srem(WORKERS, worker)


async def _take(redis: Redis, process: str) -> str | None:
    try:
        job = await redis.lmove(QUEUE, RUNNING + process, "LEFT", "RIGHT")
        return str(job) if job else None
    except (RedisError, OSError) as error:
        log.warning("worker: %s; trying again", error)
        return None


async def _record(redis: Redis, process: str, job: str, counter: str) -> None:
    """Take the job off our list and count it; the work is done, so an outage of Redis is waited out."""
    while True:
        try:
            async with redis.pipeline(transaction=True) as transaction:
                transaction.lrem(RUNNING + process, 1, job)
                transaction.incr(counter)
                await transaction.execute()
            return
        except (RedisError, OSError) as error:
            log.warning("worker: job not recorded yet: %s", error)
            await asyncio.sleep(1)


async def _keep_beating(redis: Redis, process: str) -> None:
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        await _beat(redis, process)


async def _beat(redis: Redis, process: str) -> None:
    """Say that we are alive, then look for workers that are not."""
    try:
        await redis.set(ALIVE + process, "1", ex=ALIVE_SECONDS)
        await redis.sadd(WORKERS, process)
        await rescue(redis)
    except (RedisError, OSError) as error:
        log.warning("worker: %s", error)
