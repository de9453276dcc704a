"""Waiting that a stop signal cuts short, and tasks that end for certain."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Return after `seconds`, or as soon as `stop` is set."""
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def end(task: asyncio.Task[None]) -> None:
    """Cancel `task` until it is over: before Python 3.12 `asyncio.wait_for` can lose a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.05)


async def within(work: Coroutine[Any, Any, object], seconds: float) -> None:
    """Wait for `work`. Raise what it raises, or asyncio.TimeoutError after `seconds` sharp.

    Unlike `asyncio.wait_for` it does not wait for the cancelled work to clean up: psycopg first asks the server,
    for 5 seconds, to cancel the query, and a server that hangs does not answer that either."""
    task = asyncio.ensure_future(work)
    finished, _ = await asyncio.wait({task}, timeout=seconds)
    if finished:
        task.result()
        return
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    task.cancel()
    raise asyncio.TimeoutError
