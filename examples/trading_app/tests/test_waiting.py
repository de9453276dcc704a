import asyncio

import pytest
from src.waiting import end, within


async def loses_one_cancellation():
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(60)


def test_a_task_that_loses_a_cancellation_is_ended():
    async def scenario():
        task = asyncio.create_task(loses_one_cancellation())
        await asyncio.sleep(0)
        await asyncio.wait_for(end(task), 5)
        return task.done()

    assert asyncio.run(scenario())


def test_a_bound_holds_though_the_work_is_slow_to_give_up():
    async def scenario():
        started = asyncio.get_running_loop().time()
        with pytest.raises(asyncio.TimeoutError):
            await within(loses_one_cancellation(), 0.05)
        return asyncio.get_running_loop().time() - started

    assert asyncio.run(scenario()) < 2
