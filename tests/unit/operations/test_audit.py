from __future__ import annotations

import json
from collections.abc import Callable

from autogrowth_ops.model.environment import Host
from autogrowth_ops.operations.audit import Entry, audited_steps, ended
from autogrowth_ops.session import Session
from tests.fakes import make_environment

Open = Callable[..., Session]
TWO = make_environment(Host(name="app1", address="10.1"), Host(name="app2", address="10.2", roles=("app",)))


def entry(at: int, step: str, outcome: str, **changes: object) -> Entry:
    return {"at": str(at), "host": "app1", "release": "r1", "step": step, "outcome": outcome, "by": "kim", **changes}


def test_a_step_that_ended_is_told_once():
    end = entry(2, "build", "done")
    assert ended([entry(1, "build", "started"), end]) == (end,)


def test_a_step_that_never_ended_is_told_as_it_started():
    begun = entry(1, "build", "started")
    assert ended([begun, entry(2, "lock", "done")]) == (begun, entry(2, "lock", "done"))


def test_a_step_that_was_cut_off_stays_beside_its_next_attempt():
    cut, again, end = entry(1, "lock", "started"), entry(2, "lock", "started"), entry(3, "lock", "done")
    assert ended([cut, again, end]) == (cut, end)


def test_the_same_step_of_others_is_another_one():
    begun = entry(1, "build", "started")
    others = [entry(2, "build", "done", **{name: "other"}) for name in ("host", "release", "by")]
    assert ended([begun, *others]) == (begun, *others)


def test_each_host_has_so_many_steps(open_on: Open):
    session = open_on(TWO)
    for name in TWO.hosts:
        lines = [entry(at, f"s{at // 2}", ("started", "done")[at % 2], host=name) for at in range(6)]
        text = "\n".join(map(json.dumps, lines))
        session.remotes[name].answers("section", "audit", text=text)  # type: ignore[attr-defined]
    found = [(step["host"], step["step"]) for step in audited_steps(session, 2)[0]]
    assert sorted(found) == [("app1", "s1"), ("app1", "s2"), ("app2", "s1"), ("app2", "s2")]
