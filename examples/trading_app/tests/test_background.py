import asyncio
import json

import pytest
from src import scheduler, worker

JOB = json.dumps({"id": "j1", "seconds": 0})


async def running(process, seconds=0.1):
    """Run until `seconds` have passed, then stop it; `process` takes the stop event."""
    stop = asyncio.Event()
    task = asyncio.create_task(process(stop))
    await asyncio.sleep(seconds)
    stop.set()
    await asyncio.wait_for(task, 1)


def schedule(redis):
    return lambda stop: scheduler.run(redis, "host-1", "r1", stop)


def work(redis):
    return lambda stop: worker.run(redis, "host-1", stop)


def test_a_scheduler_beats_and_gives_its_lease_back(redis):
    async def scenario():
        await running(schedule(redis))
        return await redis.get(scheduler.HEARTBEAT), await redis.exists(scheduler.LEASE, scheduler.OVERLAPS)

    beat, leftovers = asyncio.run(scenario())
    assert (json.loads(beat)["release"], leftovers) == ("r1", 0)


@pytest.mark.parametrize(("remaining_ms", "overlaps"), [(4900, "1"), (2000, None)])
def test_a_scheduler_counts_another_only_if_it_is_alive(redis, remaining_ms, overlaps):
    async def scenario():
        await redis.set(scheduler.LEASE, "another", px=remaining_ms)
        await running(schedule(redis))
        return await redis.get(scheduler.OVERLAPS), await redis.get(scheduler.LEASE)

    assert asyncio.run(scenario()) == (overlaps, "another")


def test_a_stopped_worker_finishes_its_job(redis):
    async def scenario():
        await redis.rpush(worker.QUEUE, json.dumps({"id": "j1", "seconds": 0.3}))
        await running(work(redis))
        return await redis.mget(worker.DONE, worker.CUT), await redis.llen(worker.RUNNING + "host-1")

    assert asyncio.run(scenario()) == (["1", None], 0)


def test_the_job_of_a_killed_worker_is_counted_and_done_again(redis):
    async def scenario():
        await redis.sadd(worker.WORKERS, "gone")
        await redis.rpush(worker.RUNNING + "gone", JOB)
        await running(work(redis))
        return await redis.mget(worker.DONE, worker.CUT)

    assert asyncio.run(scenario()) == ["1", "1"]


@pytest.mark.parametrize("job", ["{", "7", '{"id": 1}', '{"id": 1, "seconds": -1}'])
def test_what_is_not_a_job_is_dropped_and_counted(redis, job):
    async def scenario():
        await redis.rpush(worker.QUEUE, job)
        await running(work(redis))
        return await redis.mget(worker.DONE, worker.BAD)

    assert asyncio.run(scenario()) == [None, "1"]
