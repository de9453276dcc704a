from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from autogrowth_ops.clock import SystemClock
from autogrowth_ops.errors import HostError
from autogrowth_ops.model.environment import Host
from autogrowth_ops.model.event import Event
from autogrowth_ops.remote import Outcome
from autogrowth_ops.scripts import run_script
from autogrowth_ops.session import open_session
from autogrowth_ops.testing import FakeClock
from tests.fakes import NOON, ScriptedHost, make_environment

HOST = make_environment().hosts["app1"]
LOCAL = make_environment(*(Host(name=name, address="local") for name in ("app1", "app2")))


def test_an_environment_without_hosts_is_this_machine(tmp_path: Path):
    with open_session(replace(LOCAL, hosts={}), tmp_path, lambda _: None) as session:
        assert list(session.remotes) == ["local"]
        assert session.environment.hosts["local"].address == "local"


def test_a_session_may_be_of_one_host_only(tmp_path: Path):
    with open_session(LOCAL, tmp_path, lambda _: None, hosts=("app2",)) as session:
        assert list(session.remotes) == ["app2"]
        assert session.trips() == {"app2": 0}


def test_the_clock_is_this_machines_unless_one_is_given(tmp_path: Path):
    with open_session(LOCAL, tmp_path, lambda _: None) as session:
        assert isinstance(session.clock, SystemClock)


def test_a_lock_says_who_where_when_and_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("getpass.getuser", lambda: "kim")
    with open_session(LOCAL, tmp_path, lambda _: None, clock=FakeClock(NOON)) as session:
        lock = session.lock("deploy r1")
    assert (lock.owner, lock.pid, lock.since, lock.what) == ("kim", os.getpid(), "2026-11-23T12:00:00Z", "deploy r1")


def test_notes_reach_whoever_watches(tmp_path: Path):
    heard: list[Event] = []
    with open_session(LOCAL, tmp_path, heard.append) as session:
        session.note("look", "app1")
    assert heard == [Event("app1", "look", "note")]


def test_a_script_is_one_trip_with_a_mark_of_its_own():
    remote = ScriptedHost(HOST).answers("section", text="seen")
    results = [run_script(remote, [("section", "a", "x")], {"BASE": "/b"}, timeout_seconds=9) for _ in range(2)]
    assert [result.sections() for result in results] == [{"a": (0, "seen")}] * 2
    assert len({script.variables["MARK"] for script in remote.scripts}) == 2
    assert remote.trips == 2


class Mute(ScriptedHost):
    """A host whose login shell is none."""

    said = Outcome(1, "", "This account is currently not available.\n")

    def run(self, script: str, **options: object) -> Outcome:
        return self.said


@pytest.mark.parametrize(
    ("outcome", "problem"),
    [
        (Mute.said, r"app1: no POSIX shell answered \(exit code 1\): This account is currently not available."),
        (Outcome(255, "welcome\n", ""), "app1: no POSIX shell answered .exit code 255.: welcome"),
        (Outcome(0, "", ""), "no output"),
    ],
)
def test_a_host_without_a_shell_is_told(outcome: Outcome, problem: str):
    remote = Mute(HOST)
    remote.said = outcome
    with pytest.raises(HostError, match=problem):
        run_script(remote, [("observe",)], {}, timeout_seconds=9)
