"""Several hosts, and one of them fails: all go back, or those that are done keep the release."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from autogrowth_ops.engines.request import Change
from autogrowth_ops.errors import OpsError, RolloutFailed, Serves, UndoFailed, Unreachable
from autogrowth_ops.model.environment import Environment, Host
from autogrowth_ops.model.event import Event
from autogrowth_ops.model.observation import Observation
from autogrowth_ops.model.plan import Batch, Plan, Step
from autogrowth_ops.model.policies import Policies
from autogrowth_ops.model.release import Version
from autogrowth_ops.operations.carry_out import carry_out
from autogrowth_ops.session import Session
from tests.fakes import FIT, ScriptedHost, make_environment
from tests.plans import LOCK, OLD, OLDER, RELEASE, serving

Open = Callable[..., Session]
APPS = ("app1", "app2", "app3")
DATA = Host(name="data1", address="10.9", roles=("data",))


def fleet(on_failure: str = "halt") -> Environment:
    hosts = [Host(name=name, address=f"10.{name[-1]}", roles=("app",)) for name in APPS]
    return make_environment(*hosts, DATA, policies=Policies(on_failure=on_failure))  # type: ignore[arg-type]


def step(key: str, host: str, *, final: bool = False) -> Step:
    return Step(host, key, f"{key} it", (key,), None if final else (f"un-{key}",), final)


def each(*keys: str, on: tuple[str, ...] = APPS, final: bool = False) -> tuple[Step, ...]:
    return tuple(step(key, host, final=final) for host in on for key in keys)


PLAN = Plan(
    (
        Batch("lock", (step("lock", "app1"),)),
        Batch("prepare", (step("stack", "data1"), *each("receive")), 4),
        Batch("first", (step("migrate", "app1"), *each("start", "current", on=("app1",)))),
        Batch("others", each("start", "current", on=("app2", "app3")), 1),
        Batch("finish", each("record", "retire", final=True), 3),
        Batch("unlock", (step("unlock", "app1", final=True),)),
    )
)


def host(session: Session, name: str) -> ScriptedHost:
    return session.remotes[name]  # type: ignore[return-value]


def done(session: Session, name: str) -> list[str]:
    return [call[1] for call in host(session, name).calls("step")]


def undone(session: Session, name: str) -> list[str]:
    return [call[1] for call in host(session, name).calls("attempt")]


def change(session: Session, *, is_new: bool = True, **was: Observation) -> Change:
    observed = {name: was.get(name, serving(name)) for name in session.remotes}
    return Change(RELEASE, LOCK, observed, is_new=is_new)


def switched(name: str) -> Observation:
    """A host on which RELEASE has come to serve."""
    return Observation(name, FIT, current=RELEASE.id, releases=(OLDER, OLD, RELEASE), proxied=RELEASE.id)


def fail(session: Session, *, is_new: bool = True, **was: Observation) -> OpsError:
    with pytest.raises(OpsError) as raised:
        carry_out(session, PLAN, change(session, is_new=is_new, **was))
    return raised.value


@pytest.fixture
def halted(open_on: Open) -> Session:
    """A fleet whose second host cannot start the release, with what its hosts serve afterwards."""
    session = open_on(fleet(), switched("app1"), serving("app2"), serving("app3"))
    host(session, "app2").answers("step", "start", code=1, text="no memory")
    return session


def test_a_halt_finishes_the_hosts_that_are_done_and_gives_the_lock_back(halted: Session):
    assert isinstance(fail(halted), UndoFailed)
    assert done(halted, "app1")[-3:] == ["record", "retire", "unlock"]
    assert undone(halted, "app1") == []


def test_a_halt_undoes_the_failing_host_and_does_not_begin_the_others(halted: Session):
    fail(halted)
    assert undone(halted, "app2") == ["undo-start", "undo-receive", "record"]
    assert done(halted, "app3") == ["receive"]
    assert undone(halted, "app3") == ["undo-receive", "record"]


def test_a_halt_undoes_before_it_finishes(halted: Session, events: list[Event]):
    fail(halted)
    told = [(event.host, event.title) for event in events]
    assert told.index(("app2", "undoing")) < told.index(("app1", "record it"))


def test_a_halt_says_who_serves_what_as_the_hosts_say_it(halted: Session):
    assert fail(halted).hosts == (
        Serves("app1", RELEASE.id, OLD.id),
        Serves("app2", OLD.id, OLD.id),
        Serves("app3", OLD.id, OLD.id),
    )


def test_a_halt_says_what_failed_and_what_to_do_next(halted: Session):
    assert str(fail(halted)) == (
        f"app2: start it failed: no memory; halted: {RELEASE.id} serves on app1, on the migrated database; a person is "
        f"needed: inv deploy --env=production again, or back: inv rollback --env=production --to={OLD.id}"
    )


def test_a_halted_rollback_goes_on_with_the_same_release(halted: Session):
    said = str(fail(halted, is_new=False))
    assert f"inv deploy --env=production --version={RELEASE.id} again, or back: inv rollback" in said


def test_a_halted_version_is_named_in_what_to_do_next(halted: Session):
    released = replace(RELEASE, version=Version("c" * 40, "tree", ref="v1.4", is_dirty=True))
    with pytest.raises(UndoFailed, match=r"inv deploy --env=production --version=v1\.4 --allow-dirty again"):
        carry_out(halted, PLAN, replace(change(halted), release=released))


@pytest.mark.parametrize(
    ("served", "back"),
    [({}, "rollback"), ({"app2": Observation("app2")}, "again"), ({"app2": switched("app2")}, "rollback")],
)
def test_the_way_back_is_told_where_there_is_one(halted: Session, served: dict[str, Observation], back: str):
    assert back in str(fail(halted, **served)).rpartition("inv ")[2]


def test_what_the_stack_became_stays_where_the_release_that_needs_it_serves(halted: Session):
    fail(halted)
    assert undone(halted, "data1") == []


def test_each_record_says_what_failed_there_or_where(halted: Session):
    fail(halted)
    records = [host(halted, name).calls("attempt")[-1][-1] for name in ("app2", "app3")]
    assert [json.loads(record)["reason"] for record in records] == ["no memory", "app2: no memory"]


@pytest.mark.parametrize(("name", "key"), [("app1", "start"), ("app2", "receive"), ("data1", "stack")])
def test_a_halt_with_no_host_done_is_an_undone_failure(open_on: Open, name: str, key: str):
    session = open_on(fleet())
    host(session, name).answers("step", key, code=1, text="broken")
    error = fail(session)
    assert (type(error), error.hosts) == (RolloutFailed, ())
    assert undone(session, "data1") == ["undo-stack"]
    assert undone(session, "app1")[-1] == "undo-lock"


def test_a_halt_whose_failing_host_is_lost_says_that_it_is_not_known(halted: Session):
    gone = Unreachable("app2: gone")
    host(halted, "app2").answers("step", "start", raises=gone).answers("attempt", raises=gone)
    host(halted, "app2").answers("observe", raises=gone)
    error = fail(halted)
    assert error.hosts[1] == Serves("app2", None, OLD.id, "gone")
    assert "app2: not undone, it gives no answer: gone; halted" in str(error)
    assert done(halted, "app1")[-1] == "unlock"


def test_a_halt_that_cannot_finish_says_so_and_gives_the_lock_back(halted: Session):
    host(halted, "app1").answers("step", "retire", code=1, text="docker: busy")
    assert "; app1: retire it failed: docker: busy; halted" in str(fail(halted))
    assert done(halted, "app1")[-1] == "unlock"


def test_a_halt_whose_undo_fails_says_so(halted: Session):
    host(halted, "app2").answers("attempt", "undo-start", code=1, text="daemon gone")
    assert "; app2: undo failed: undo-start: daemon gone; halted" in str(fail(halted))


def test_ctrl_c_undoes_all_whatever_the_policy(open_on: Open):
    session = open_on(fleet())
    host(session, "app2").answers("step", "start", raises=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        carry_out(session, PLAN, change(session))
    assert undone(session, "app1")[-1] == "undo-lock"
    assert "undo-current" in undone(session, "app1")


def test_the_lock_is_given_back_when_all_hosts_are_undone(open_on: Open, events: list[Event]):
    session = open_on(fleet("rollback_all"))
    host(session, "app2").answers("step", "start", code=1)
    assert isinstance(fail(session), RolloutFailed)
    told = [event.host for event in events if event.title == "undoing"]
    assert (told[-1], sorted(told)) == ("app1", ["app1", "app2", "app3", "data1"])


def test_a_host_whose_turn_comes_behind_a_failure_is_not_begun(open_on: Open):
    session = open_on(fleet("rollback_all"))
    host(session, "app2").answers("step", "start", code=1)
    fail(session)
    assert done(session, "app3") == ["receive"]


def test_undoing_leaves_the_database_migrated_and_says_so(open_on: Open):
    session = open_on(fleet("rollback_all"))
    host(session, "app2").answers("step", "start", code=1)
    assert str(fail(session)).endswith("undone, what served before still serves, on the migrated database")


def test_a_failure_on_a_fleet_of_two_releases_says_who_serves_what(open_on: Open):
    session = open_on(fleet("rollback_all"), switched("app1"))
    host(session, "app2").answers("step", "start", code=1)
    error = fail(session, app1=switched("app1"))
    assert (error.exit_code, error.hosts[0]) == (4, Serves("app1", RELEASE.id, RELEASE.id))


def test_an_undo_that_fails_says_who_serves_what(open_on: Open):
    session = open_on(fleet("rollback_all"), switched("app1"), serving("app2"), serving("app3"))
    host(session, "app2").answers("step", "start", code=1, text="no memory")
    host(session, "app1").answers("attempt", "undo-current", code=1, text="read-only")
    error = fail(session)
    assert (error.exit_code, error.hosts[0].serves) == (5, RELEASE.id)
    assert f"then inv deploy --env=production again, or back: inv rollback --env=production --to={OLD.id}" in str(error)


def lost(open_on: Open, *observed: Observation) -> OpsError:
    """The first host is away when it has to be undone."""
    session = open_on(fleet("rollback_all"), *observed)
    host(session, "app2").answers("step", "start", code=1, text="no memory")
    host(session, "app1").answers("attempt", raises=Unreachable("app1: gone"))
    return fail(session)


def test_a_host_that_cannot_be_asked_to_undo_is_unreachable(open_on: Open):
    error = lost(open_on, *map(serving, APPS))
    assert (type(error), len(error.hosts)) == (Unreachable, 3)
    assert "app2: start it failed: no memory; app1 cannot be asked" in str(error)


def test_two_releases_that_are_known_to_serve_need_a_person(open_on: Open):
    error = lost(open_on, switched("app1"), serving("app2"), serving("app3"))
    assert (type(error), error.hosts[0].serves) == (UndoFailed, RELEASE.id)
    assert "app1: not undone, it gives no answer: gone; after: app2: start it failed: no memory" in str(error)


@pytest.mark.parametrize("policy", ["halt", "rollback_all"])
def test_a_host_that_is_lost_before_its_end_leaves_the_release_serving(open_on: Open, policy: str):
    session = open_on(fleet(policy), *map(switched, APPS))
    host(session, "app3").answers("step", "record", raises=Unreachable("app3: gone"))
    host(session, "app3").answers("observe", raises=Unreachable("app3: gone"))
    error = fail(session)
    assert (error.exit_code, error.hosts[2].problem) == (5, "gone")
    assert f"app3: record it failed: app3: gone; {RELEASE.id} serves" in str(error)
