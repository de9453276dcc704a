"""How a plan is carried out, and what is undone when it cannot be finished."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace

import pytest

from autogrowth_ops.engines.request import Change
from autogrowth_ops.errors import LockHeld, RolloutFailed, UndoFailed, Unreachable
from autogrowth_ops.model.environment import Host
from autogrowth_ops.model.event import Event
from autogrowth_ops.model.plan import Batch, Payload, Plan, RenderedFile, Step
from autogrowth_ops.operations.carry_out import carry_out
from autogrowth_ops.session import Session
from tests.fakes import ScriptedHost, make_environment
from tests.plans import LOCK, RELEASE, serving

Open = Callable[..., Session]
TWO = make_environment(Host(name="app1", address="10.1"), Host(name="app2", address="10.2"))


def step(key: str, host: str = "app1", **changes: object) -> Step:
    return replace(Step(host, key, f"{key} it", (key,), undo=(f"un-{key}",)), **changes)


TAKE = step("lock")
READY = step("ready", undo=None)
RECORD = step("record", undo=None, final=True)
RETIRE = step("retire", undo=None, final=True)
PLAN = Plan((Batch("all", (TAKE, step("receive"), step("start"), READY, step("switch"), RECORD, RETIRE)),))
SPREAD = Plan(
    (
        Batch("lock", (TAKE,)),
        Batch("receive", (step("receive"), step("receive", "app2")), 2),
        Batch("first", (step("start"), step("switch"))),
        Batch("others", (step("start", "app2"), step("switch", "app2"))),
        Batch("finish", (RECORD, replace(RECORD, host="app2")), 2),
    )
)


def host(session: Session, name: str = "app1") -> ScriptedHost:
    return session.remotes[name]  # type: ignore[return-value]


def undone(session: Session, name: str = "app1") -> list[str]:
    return [call[1] for call in host(session, name).calls("attempt")]


def run(session: Session, plan: Plan = PLAN, *, is_new: bool = False) -> dict[str, dict[str, int]]:
    observed = {name: serving(name) for name in session.remotes}
    return carry_out(session, plan, Change(RELEASE, LOCK, observed, is_new=is_new))


def test_all_steps_of_one_host_are_one_script(open_on: Open):
    session = open_on()
    run(session)
    assert [call[1] for call in host(session).scripts[0].calls] == [one.key for one in PLAN.steps()]
    assert session.trips() == {"app1": 1}


def test_the_script_knows_folder_release_and_who(open_on: Open):
    session = open_on()
    run(session)
    variables = host(session).scripts[0].variables
    assert {name: variables[name] for name in ("BASE", "PROJECT", "RELEASE", "BY")} == {
        "BASE": "/srv/shop/production",
        "PROJECT": "shop-production",
        "RELEASE": RELEASE.id,
        "BY": '"kim"',
    }


def test_timings_are_milliseconds_by_host_and_step(open_on: Open):
    assert run(open_on(TWO), SPREAD)["app2"] == {"receive": 7, "start": 7, "switch": 7, "record": 7}


def test_a_batch_begins_when_the_one_before_has_ended_everywhere(open_on: Open, events: list[Event]):
    run(open_on(TWO), SPREAD)
    done = [(event.host, event.title) for event in events if event.state == "done"]
    assert done.index(("app2", "receive it")) < done.index(("app1", "start it"))
    assert done.index(("app1", "switch it")) < done.index(("app2", "start it"))


def test_who_waits_hears_of_each_begin_and_end(open_on: Open, events: list[Event]):
    run(open_on(), Plan((Batch("all", (TAKE,)),)))
    assert events == [Event("app1", "lock it", "started"), Event("app1", "lock it", "done", 0.007)]


def test_a_payload_travels_on_standard_input(open_on: Open):
    session = open_on()
    sent = step("receive", payload=Payload((RenderedFile("release/compose.yml", "services: {}"),)))
    run(session, Plan((Batch("all", (TAKE, sent)),)))
    assert b"release/compose.yml" in host(session).scripts[0].stdin


def test_a_failure_in_the_middle_undoes_newest_first(open_on: Open):
    session = open_on()
    host(session).answers("step", "switch", code=1, text="no such upstream")
    with pytest.raises(RolloutFailed, match="app1: switch it failed: no such upstream; undone"):
        run(session)
    assert undone(session) == ["undo-switch", "undo-start", "undo-receive", "undo-lock"]


def test_a_step_that_reads_only_has_nothing_to_undo(open_on: Open):
    session = open_on()
    host(session).answers("step", "ready", code=1, text="docker: gone")
    with pytest.raises(RolloutFailed, match="ready it failed: docker: gone; undone"):
        run(session)
    assert undone(session) == ["undo-start", "undo-receive", "undo-lock"]


def test_steps_behind_a_failure_are_not_begun(open_on: Open, events: list[Event]):
    session = open_on()
    host(session).answers("step", "start", code=1)
    with pytest.raises(RolloutFailed, match="exit code 1"):
        run(session)
    assert "switch it" not in {event.title for event in events}
    assert Event("app1", "start it", "failed") in events


def test_what_was_not_healthy_is_told_with_its_evidence(open_on: Open):
    evidence = [("evidence web-1", "last health answer: 503 starting\nline of log"), ("evidence web-2", "none")]
    session = open_on()
    host(session).answers("step", "ready", code=22, blocks=evidence)
    with pytest.raises(RolloutFailed, match="web-1: last health answer: 503 starting; web-2: none") as raised:
        run(session)
    assert raised.value.details[:3] == ("--- web-1", "last health answer: 503 starting", "line of log")


def test_what_crashed_is_told_with_its_last_line(open_on: Open):
    evidence = [("evidence web-1", "last health answer: none\nTraceback\nKeyError: 'TOKEN'\n")]
    session = open_on()
    host(session).answers("step", "ready", code=21, text="web-1 exited with exit code 3\n", blocks=evidence)
    with pytest.raises(
        RolloutFailed, match="ready it failed: web-1 exited with exit code 3: KeyError: 'TOKEN'; undone"
    ):
        run(session)


def test_a_failing_build_is_told_by_what_its_instruction_said(open_on: Open):
    said = "------\n > [build 5/5] RUN pip install:\n0.512 ERROR: no such package\n------\nDockerfile:9"
    session = open_on()
    host(session).answers("step", "build", code=1, text=said)
    with pytest.raises(RolloutFailed, match="build it failed: ERROR: no such package; undone"):
        run(session, Plan((Batch("all", (TAKE, step("build"))),)))


def test_a_failure_on_the_second_host_undoes_both_the_lock_last(open_on: Open):
    session = open_on(TWO)
    host(session, "app2").answers("step", "start", code=1, text="no memory")
    with pytest.raises(RolloutFailed, match="app2: start it failed: no memory"):
        run(session, SPREAD)
    assert undone(session, "app2") == ["undo-start", "undo-receive"]
    assert undone(session, "app1") == ["undo-switch", "undo-start", "undo-receive", "undo-lock"]


def test_every_failing_host_is_told(open_on: Open):
    session = open_on(TWO)
    [host(session, name).answers("step", "receive", code=1, text=f"{name} is full") for name in TWO.hosts]
    with pytest.raises(RolloutFailed) as raised:
        run(session, SPREAD)
    assert "app1: receive it failed: app1 is full; app2: receive it failed: app2 is full" in str(raised.value)


def test_a_held_lock_is_told_and_nothing_is_undone(open_on: Open):
    session = open_on()
    host(session).answers("step", "lock", code=6, text=json.dumps(asdict(LOCK)))
    with pytest.raises(LockHeld, match=r"app1: locked by kim@laptop .*inv lock.status --env=production"):
        run(session)
    assert session.trips() == {"app1": 1}


def test_a_lock_that_cannot_be_taken_changes_nothing(open_on: Open):
    session = open_on()
    host(session).answers("step", "lock", code=1, text="mkdir: Permission denied")
    with pytest.raises(RolloutFailed, match="Permission denied"):
        run(session)
    assert undone(session) == ["undo-lock"]


def test_a_host_that_is_lost_in_a_step_is_undone(open_on: Open):
    session = open_on()
    host(session).answers("step", "start", raises=Unreachable("app1: connection lost"))
    with pytest.raises(RolloutFailed, match="start it failed: app1: connection lost"):
        run(session)
    assert undone(session) == ["undo-switch", "undo-start", "undo-receive", "undo-lock"]


def test_a_failing_undo_needs_a_person(open_on: Open):
    session = open_on()
    host(session).answers("step", "switch", code=1, text="broken").answers(
        "attempt", "undo-start", code=1, text="first\ndaemon gone"
    )
    with pytest.raises(
        UndoFailed, match="app1: undo failed: undo-start: daemon gone; after: app1: switch it failed: broken; a person"
    ):
        run(session)


def test_an_undo_goes_on_behind_one_that_failed(open_on: Open):
    session = open_on()
    host(session).answers("step", "switch", code=1).answers("attempt", "undo-start", code=1)
    with pytest.raises(UndoFailed, match=r"undo-start: \?"):
        run(session)
    assert undone(session)[-1] == "undo-lock"


def test_a_host_that_is_lost_while_undoing_does_not_keep_the_others_from_it(open_on: Open):
    session = open_on(TWO)
    host(session, "app2").answers("step", "start", code=1).answers("attempt", raises=Unreachable("app2: gone"))
    with pytest.raises(Unreachable, match="app2 cannot be asked"):
        run(session, SPREAD)
    assert undone(session, "app1")[-1] == "undo-lock"


def test_a_failing_final_step_undoes_nothing_and_needs_a_person(open_on: Open):
    session = open_on()
    host(session).answers("step", "retire", code=1, text="docker: busy")
    with pytest.raises(UndoFailed, match=f"app1: retire it failed: docker: busy; {RELEASE.id} serves"):
        run(session)
    assert undone(session) == []


def test_a_failing_final_step_says_that_the_lock_is_still_held(open_on: Open):
    session = open_on()
    host(session).answers("step", "record", code=1)
    with pytest.raises(UndoFailed, match=r"inv lock\.release --env=production"):
        run(session)


def test_ctrl_c_undoes_what_was_begun_and_goes_on(open_on: Open):
    session = open_on()
    host(session).answers("step", "start", raises=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run(session)
    assert undone(session) == ["undo-switch", "undo-start", "undo-receive", "undo-lock"]


@pytest.mark.parametrize("key", ["record", "retire"])
def test_ctrl_c_in_a_final_step_never_goes_back_to_what_may_be_stopped(open_on: Open, key: str):
    session = open_on()
    host(session).answers("step", key, raises=KeyboardInterrupt())
    with pytest.raises(UndoFailed, match=f"interrupted.*{RELEASE.id} serves"):
        run(session)
    assert undone(session) == []


def test_a_host_that_is_lost_between_two_steps_failed_in_the_next(open_on: Open):
    session = open_on()
    session.remotes["app1"] = _LostBehind(host(session), "end record")  # type: ignore[index]
    with pytest.raises(UndoFailed, match="app1: retire it failed: app1: connection lost"):
        run(session)
    assert undone(session) == []


def test_a_failed_new_release_leaves_its_record(open_on: Open):
    session = open_on()
    host(session).answers("step", "switch", code=1, text="broken")
    with pytest.raises(RolloutFailed):
        run(session, is_new=True)
    assert undone(session)[-2:] == ["record", "undo-lock"]
    record = json.loads(next(call for call in host(session).calls("attempt") if call[1] == "record")[-1])
    assert (record["state"], record["reason"]) == ("bad", "broken")


def test_a_release_that_was_never_received_leaves_no_record(open_on: Open):
    session = open_on()
    host(session).answers("step", "receive", code=1)
    plan = Plan((Batch("all", (TAKE, step("receive", undo=None))),))
    with pytest.raises(RolloutFailed):
        run(session, plan, is_new=True)
    assert undone(session) == ["undo-lock"]


class _LostBehind(ScriptedHost):
    """A host whose connection breaks behind one of the lines it prints."""

    def __init__(self, plain: ScriptedHost, line: str) -> None:
        super().__init__(plain.host, scripts=plain.scripts, _answers=plain._answers)
        self._line = line

    def run(self, script: str, *, on_line: Callable[[str], None] | None = None, **options: object):
        def heard(line: str) -> None:
            if on_line:
                on_line(line)
            if self._line in line:
                raise Unreachable("app1: connection lost")

        return super().run(script, on_line=heard, **options)
