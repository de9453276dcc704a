import os
from pathlib import Path

import pytest

from autogrowth_ops.errors import CommandTimedOut
from autogrowth_ops.model.environment import Host
from autogrowth_ops.remote import LocalRemote, Outcome
from tests.hosts.sshd import is_running


@pytest.fixture
def here():
    return LocalRemote(Host(name="here", address="local"))


def test_a_script_gives_its_exit_code_and_both_streams(here):
    assert here.run("echo out; echo err >&2; exit 3", timeout_seconds=60) == Outcome(3, "out\n", "err\n")


def test_each_run_is_one_trip(here):
    here.run("true", timeout_seconds=60)

    assert here.trips == 1


def test_large_stdin_comes_back_whole(here):
    content = os.urandom(1_000_000).hex().encode()

    assert here.run("cat", stdin=(content, content), timeout_seconds=60).stdout.encode() == content * 2


def test_a_script_that_reads_no_stdin_is_no_failure(here):
    assert here.run("exit 4", stdin=bytes(10_000_000), timeout_seconds=60).exit_code == 4


def test_a_shell_killed_by_a_signal_says_which(here):
    assert here.run("kill -KILL $$", timeout_seconds=60).exit_code == 137


def test_lines_are_told_without_their_ends(here):
    lines = []

    here.run("printf 'one\\r\\n\\ntwo'", timeout_seconds=60, on_line=lines.append)

    assert lines == ["one", "", "two"]


def test_a_script_over_its_limit_is_ended_with_what_it_started(here):
    sleepers = []

    with pytest.raises(CommandTimedOut, match="here: command timed out: no end after 0.5 s; it was ended"):
        here.run("sleep 1000 & echo $!; wait", timeout_seconds=0.5, on_line=sleepers.append)

    assert not is_running(int(sleepers[0]))


def test_a_script_that_closed_its_output_is_still_ended_at_its_limit(here, tmp_path):
    with pytest.raises(CommandTimedOut):
        here.run(f"echo $$ >{tmp_path}/pid; exec >&- 2>&-; sleep 1000", timeout_seconds=0.5)

    assert not is_running(int((tmp_path / "pid").read_text()))


def test_an_error_of_the_listener_ends_the_script(here):
    with pytest.raises(ZeroDivisionError):
        here.run("echo; sleep 1000", timeout_seconds=60, on_line=lambda _: 1 / 0)


def test_an_error_in_what_is_sent_is_raised(here):
    with pytest.raises(FileNotFoundError):
        here.run("cat", stdin=(Path(name).read_bytes() for name in ["/missing"]), timeout_seconds=60)


def test_interact_gives_the_exit_code(here):
    assert here.interact("exit 5") == 5
