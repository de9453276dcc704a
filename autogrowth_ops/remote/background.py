"""Work beside the caller, in threads that never keep this program from ending."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def in_background(work: Callable[[], T]) -> Future[T]:
    """What `work`, begun now, will give or raise."""
    future: Future[T] = Future()
    started(threading.Thread(target=_fulfil, args=[future, work]))
    return future


def started(thread: threading.Thread) -> threading.Thread:
    """`thread`, running."""
    thread.daemon = True
    thread.start()
    return thread


def _fulfil(future: Future[T], work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # raised again where it is waited for
        future.set_exception(error)
