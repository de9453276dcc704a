import pytest

from autogrowth_ops.remote import Outcome
from autogrowth_ops.testing import BEGINNING, FakeClock, FakeRemote


def run(remote, script, **options):
    return remote.run(script, timeout_seconds=1, **options)


def test_an_unforeseen_script_fails_the_test():
    with pytest.raises(AssertionError, match="app1: unforeseen script:\nrm -rf"):
        run(FakeRemote("app1").answers("docker"), "rm -rf /")


def test_the_longest_part_that_fits_gives_the_answer():
    remote = FakeRemote("app1").answers("docker", "any").answers("docker ps", "containers")

    assert run(remote, "docker ps --all") == Outcome(0, "containers", "")


def test_answers_to_the_same_part_come_in_order_and_the_last_stays():
    remote = FakeRemote("app1").answers("cat", "1").answers("cat", "2", exit_code=1)

    assert [run(remote, "cat").stdout for _ in range(3)] == ["1", "2", "2"]


def test_what_was_sent_and_heard_is_kept():
    remote, lines = FakeRemote("app1").answers("cat", "one\ntwo\n"), []

    run(remote, "cat", stdin=(b"a", b"b"), on_line=lines.append)

    assert (remote.runs[0].stdin, lines, remote.trips) == (b"ab", ["one", "two"], 1)


def test_a_foreseen_error_is_raised():
    with pytest.raises(TimeoutError):
        run(FakeRemote("app1").breaks("cat", TimeoutError()), "cat")


def test_the_clock_passes_only_by_sleeping():
    clock = FakeClock()
    clock.sleep(90)

    assert (clock.monotonic(), (clock.now() - BEGINNING).total_seconds(), clock.sleeps) == (90, 90, [90])
