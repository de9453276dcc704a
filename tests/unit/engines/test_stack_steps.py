"""The steps of the stack and of its passwords."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autogrowth_ops.engines import engine_for
from autogrowth_ops.model.environment import App, Environment, Migrate, Postgres, Service, Stack
from autogrowth_ops.model.observation import Observation
from autogrowth_ops.model.plan import Plan, RenderedFile, Step
from tests.fakes import make_containers, make_environment
from tests.plans import OLD, OLDER, make_change, serving

STORES = make_environment(stack=Stack(postgres=Postgres(database="d", user="u")))
FILE = RenderedFile("postgres", "ALTER ROLE", 0o600)


def having(state: str = "running", *, environment: Environment = STORES) -> Observation:
    """OLD serves; the proxy runs, Postgres is in this state."""
    seen = serving(with_older=True)
    stack = (*make_containers("", proxy=1), *make_containers("", state, postgres=1))
    return replace(seen, containers=(*seen.containers, *stack), stack_hash="s")


def plan(environment: Environment, observed: Observation, *, rotates: bool = False, **changes: object) -> Plan:
    change = make_change(environment, observed, **changes)  # type: ignore[arg-type]
    return engine_for(environment).plan(replace(change, passwords={"app1": (FILE,)} if rotates else {}))


def keys(some: Plan) -> list[str]:
    return [step.key for step in some.steps()]


def named(some: Plan, key: str) -> Step:
    return next(step for step in some.steps() if step.key == key)


def test_a_stack_that_runs_has_no_step():
    assert "stack" not in keys(plan(STORES, having()))


@pytest.mark.parametrize("is_new", [True, False])
def test_what_of_the_stack_stands_still_is_started_again(is_new: bool):
    step = named(plan(STORES, having("exited"), is_new=is_new, release=OLDER), "stack")
    assert (step.title, step.do, step.undo) == ("start the stack again (postgres)", ("stack_up",), None)


def test_a_stack_that_changes_is_not_started_on_top():
    steps = [step for step in plan(STORES, having("exited"), with_stack=True).steps() if step.key == "stack"]
    assert [step.do[0] for step in steps] == ["install_stack"]


def test_what_the_stack_loses_is_removed_behind_all_that_could_fail():
    without = replace(STORES, stack=Stack())
    some = plan(without, having(), with_stack=True)
    step, order = named(some, "stack-remove"), keys(some)
    assert (step.do, step.final) == (("remove_from_stack", "postgres"), True)
    assert order.index("record") < order.index("stack-remove") < order.index("unlock")


def test_a_stack_that_loses_nothing_has_nothing_removed():
    assert "stack-remove" not in keys(plan(STORES, having(), with_stack=True))


def test_the_stack_is_started_again_before_anything_needs_it():
    order = keys(plan(STORES, having("exited")))
    assert order.index("stack") < order.index("start")


def test_verifiers_travel_below_passwords():
    files = named(plan(STORES, having(), rotates=True), "receive").payload.files
    assert [(file.path, file.mode) for file in files][-1] == ("passwords/postgres", 0o600)


MIGRATING = replace(
    STORES, app=App(name="shop", services={"web": Service(port=80)}, migrate=Migrate(command=("migrate",)))
)


def test_migrations_need_the_new_passwords_and_make_them_come_early():
    order = keys(plan(MIGRATING, having(), rotates=True))
    assert order.index("passwords") < order.index("migrate") < order.index("start")
    assert "listen" not in order


def test_what_ended_without_its_database_is_started_again_before_it_is_judged():
    some = plan(STORES, having(), rotates=True)
    assert named(some, "listen").do[:2] == ("wait_listening", named(some, "start").do[1])
    assert named(some, "listen").do[2] == "web:15:8000:/health"
    assert named(some, "again").do == ("restart_ended", named(some, "start").do[1], "web")
    assert named(some, "ready").do[2] == "web:60:8000:/health"


def test_singletons_alone_wait_for_the_new_passwords():
    single = replace(STORES, app=App(name="shop", services={"bot": Service(singleton=True)}))
    order = keys(plan(single, having(), rotates=True))
    assert order.index("passwords") < order.index("start-single")


def test_one_host_needs_one_script_for_new_passwords_too():
    assert len(plan(STORES, having(), rotates=True).batches) == 1


def test_clearing_up_ends_a_change_of_passwords_that_was_cut_off():
    cut_off = replace(having(), leftovers=("rotation",), releases=(OLDER, replace(OLD, passwords="p")))
    change = make_change(STORES, cut_off, release=OLD, is_new=False)
    steps = engine_for(STORES).tidy(change).steps()
    assert [step.do for step in steps if step.key == "passwords"] == [("resume_passwords", "p")]
