from __future__ import annotations

from autogrowth_ops.clock import SystemClock, wait_until
from autogrowth_ops.testing import FakeClock


def test_what_is_true_already_is_not_waited_for():
    clock = FakeClock()
    assert wait_until(lambda: True, clock, timeout_seconds=9, interval_seconds=1)
    assert clock.sleeps == []


def test_what_comes_true_ends_the_waiting():
    clock = FakeClock()
    assert wait_until(lambda: clock.monotonic() >= 2, clock, timeout_seconds=9, interval_seconds=1)
    assert clock.sleeps == [1, 1]


def test_what_never_comes_true_is_given_up_at_the_limit():
    clock = FakeClock()
    assert not wait_until(lambda: False, clock, timeout_seconds=2.5, interval_seconds=1)
    assert clock.sleeps == [1, 1, 0.5]


def test_it_is_asked_once_more_at_the_limit():
    clock = FakeClock()
    assert wait_until(lambda: clock.monotonic() == 2.5, clock, timeout_seconds=2.5, interval_seconds=1)


def test_the_clock_of_this_machine_goes_on():
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0.001)
    assert clock.monotonic() > before
    assert clock.now().utcoffset().total_seconds() == 0
