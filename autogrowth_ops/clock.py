"""The door to time: what waits or compares instants takes a Clock, so that a test need not wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Protocol


class Clock(Protocol):
    """Tells the time and lets it pass."""

    def now(self) -> datetime:
        """This instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds on a clock that is never set; only differences mean something."""

    def sleep(self, seconds: float) -> None:
        """Come back `seconds` later."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """This instant, aware, in UTC."""
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        """Seconds on a clock that is never set; only differences mean something."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Come back `seconds` later."""
        time.sleep(seconds)


def wait_until(probe: Callable[[], bool], clock: Clock, *, timeout_seconds: float, interval_seconds: float) -> bool:
    """Whether `probe()` came true in time; it is asked at once, every `interval_seconds`, and once more at the end."""
    deadline = clock.monotonic() + timeout_seconds
    while not probe():
        left = deadline - clock.monotonic()
        if left <= 0:
            return False
        clock.sleep(min(interval_seconds, left))
    return True
