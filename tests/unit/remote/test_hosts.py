import os
import signal
import threading

import pytest

from autogrowth_ops.errors import HostsFailed, Unreachable
from autogrowth_ops.model.environment import Host
from autogrowth_ops.remote import FabricRemote, LocalRemote, on_hosts, open_remote
from autogrowth_ops.testing import FakeRemote

REMOTES = [FakeRemote("b").answers("name", "I am b"), FakeRemote("a").answers("name", "I am a")]


def say_name(remote):
    return remote.run("name", timeout_seconds=1).stdout


def test_the_address_local_needs_no_ssh():
    assert isinstance(open_remote(Host(address="local"), 10), LocalRemote)


def test_any_other_address_goes_over_ssh_and_is_not_connected_yet():
    assert isinstance(open_remote(Host(address="app1.invalid"), 10), FabricRemote)


def test_outcomes_stand_in_declared_order():
    assert list(on_hosts(REMOTES, say_name, at_once=2).values()) == ["I am b", "I am a"]


def test_no_more_hosts_than_allowed_are_worked_on_at_once():
    remotes = [FakeRemote(name) for name in "abcd"]
    two_at_once = threading.Barrier(2)

    assert len(on_hosts(remotes, lambda _: two_at_once.wait(), at_once=2)) == 4


def test_failures_are_all_kept_and_said_together():
    broken = [FakeRemote(name).breaks("name", Unreachable(f"{name}: gone")) for name in ["x", "y"]]

    with pytest.raises(HostsFailed, match="x: gone\ny: gone") as failed:
        on_hosts([broken[0], *REMOTES, broken[1]], say_name, at_once=4)

    assert (set(failed.value.failures), failed.value.succeeded) == ({"x", "y"}, ("b", "a"))


def test_the_failure_of_an_only_host_is_raised_as_it_is():
    with pytest.raises(Unreachable, match="x: gone"):
        on_hosts([FakeRemote("x").breaks("name", Unreachable("x: gone"))], say_name, at_once=4)


def test_ctrl_c_ends_what_runs_and_is_passed_on():
    remotes = [LocalRemote(Host(name=name, address="local")) for name in "ab"]
    started = threading.Barrier(3)
    threading.Thread(target=lambda: (started.wait(), os.kill(os.getpid(), signal.SIGINT)), daemon=True).start()

    with pytest.raises(KeyboardInterrupt):
        on_hosts(remotes, lambda remote: sleep_until_interrupted(remote, started), at_once=2)


def sleep_until_interrupted(remote, started):
    return remote.run("echo begun; sleep 1000", timeout_seconds=60, on_line=lambda _: started.wait())


def test_an_action_that_stops_itself_with_ctrl_c_is_passed_on():
    with pytest.raises(KeyboardInterrupt):
        on_hosts([*REMOTES, FakeRemote("x").breaks("name", KeyboardInterrupt())], say_name, at_once=3)
