"""What every engine's plans have to keep, whatever the change. A new engine adds its name to ENGINES, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrowth_ops.engines import engine_for
from autogrowth_ops.engines.request import Change
from autogrowth_ops.model.environment import App, Environment, Host, Migrate, Service
from autogrowth_ops.model.observation import Observation
from autogrowth_ops.model.plan import Plan, Step
from autogrowth_ops.model.policies import Policies
from tests.fakes import make_environment
from tests.plans import FILES, OLD, OLDER, make_change, serving

ENGINES = ("compose",)
READING = ("wait_ready", "wait_listening", "verify", "migrate_version")
ONE_WAY = (
    "stack_up",  # what should have run all the time
    "resume_passwords",  # those that the serving release has
    "restart_ended",  # of the new release, which the step before takes back
    "renew_variables",  # of a release that does not serve, whose own are good for nothing
)

hosts = (
    st.integers(1, 4)
    .flatmap(lambda count: st.tuples(*[st.sampled_from([("app",), ("app", "data")]) for _ in range(count)]))
    .map(lambda roles: [Host(name=f"app{n}", address=f"10.{n}", roles=role) for n, role in enumerate(roles)])
)
services = st.sampled_from(
    [
        {"web": Service(port=8000)},
        {"web": Service(port=8000, replicas=3), "worker": Service()},
        {"web": Service(port=8000), "bot": Service(singleton=True)},
        {"bot": Service(singleton=True)},
        {"worker": Service()},
    ]
)
migrations = st.sampled_from(
    [None, Migrate(command=("migrate",)), Migrate(command=("migrate",), down=("down",), version=("newest",))]
)


@st.composite
def changes(draw: st.DrawFn) -> tuple[Environment, Change]:
    """An environment of one to five hosts and a change of it: first deploy, code, configuration, stack, passwords or
    rollback."""
    extra = [Host(name="data1", address="10.9", roles=("data",))] if draw(st.booleans()) else []
    chosen = draw(hosts)
    app = App(name="shop", services=draw(services), migrate=draw(migrations))
    policies = Policies(migrate_down="on_rollback" if app.migrate and app.migrate.down else "never")
    engine = draw(st.sampled_from(ENGINES))
    environment = make_environment(*chosen, *extra, app=app, engine=engine, policies=policies)
    is_new = draw(st.booleans())
    is_first = is_new and draw(st.booleans())
    observed = [
        Observation(name) if is_first or not host.is_app() else serving(name, with_older=draw(st.booleans()))
        for name, host in environment.hosts.items()
    ]
    release = {} if is_new else {"release": OLDER}
    with_stack = is_new and draw(st.booleans())
    change = make_change(
        environment, *observed, is_new=is_new, with_stack=with_stack, sources=draw(st.booleans()), **release
    )
    stores = [name for name, host in environment.hosts.items() if host.is_data()][:1]
    rotates = is_new and draw(st.booleans())
    return environment, replace(change, passwords=dict.fromkeys(stores, FILES) if rotates else {})


def planned(drawn: tuple[Environment, Change]) -> Plan:
    return engine_for(drawn[0]).plan(drawn[1])


def before_final(plan: Plan) -> Iterator[Step]:
    return (step for step in plan.steps() if not step.final)


@given(changes())
def test_nothing_final_stands_before_what_can_be_undone(drawn: tuple[Environment, Change]):
    finality = [step.final for step in planned(drawn).steps()]
    assert finality == sorted(finality)


@given(changes())
def test_every_step_that_changes_something_has_an_undo_or_is_final(drawn: tuple[Environment, Change]):
    release = drawn[1].release.id
    warm = {host for host, seen in drawn[1].observed.items() if seen.running(release)}
    unsafe = [
        step
        for step in before_final(planned(drawn))
        if not step.undo and step.do[0] not in READING and step.host not in warm
    ]
    assert unsafe == []


@given(changes())
def test_the_lock_comes_first_and_is_given_back_last(drawn: tuple[Environment, Change]):
    first, *_, last = planned(drawn).steps()
    assert (first.key, first.host) == ("lock", last.host)
    assert last.key == "unlock"


@given(changes())
def test_keys_are_unique_on_a_host(drawn: tuple[Environment, Change]):
    keys = [(step.host, step.key) for step in planned(drawn).steps()]
    assert len(keys) == len(set(keys))


@given(changes())
def test_a_payload_is_read_by_the_first_step_that_may_read(drawn: tuple[Environment, Change]):
    plan = planned(drawn)
    payloads = [[step for step in batch.on(host) if step.payload] for batch in plan.batches for host in batch.hosts()]
    assert all(len(some) <= 1 for some in payloads)


@given(changes())
def test_one_host_starts_before_all_others(drawn: tuple[Environment, Change]):
    starts = [batch.hosts() for batch in planned(drawn).batches if any(step.key == "current" for step in batch.steps)]
    assert len(starts[0]) == 1


@given(changes())
def test_every_step_is_bounded(drawn: tuple[Environment, Change]):
    assert all(0 < step.timeout_seconds < 100_000 for step in planned(drawn).steps())


@given(changes())
def test_planning_is_pure(drawn: tuple[Environment, Change]):
    assert planned(drawn) == planned(drawn)


@given(changes())
def test_a_known_release_is_neither_sent_nor_built(drawn: tuple[Environment, Change]):
    environment, change = drawn
    known = replace(change, is_new=False, files={}, stack={}, sources={}, passwords={})
    keys = {step.key for step in planned((environment, known)).steps()}
    assert not keys & {"receive", "build", "image", "stack"}


@given(changes())
def test_the_schema_goes_up_or_down_on_one_host_and_never_both_ways(drawn: tuple[Environment, Change]):
    steps = [step for step in planned(drawn).steps() if step.do[0] in ("migrate", "migrate_down")]
    assert len(steps) <= 1
    assert all((step.do[0] == "migrate") == (drawn[1].release.id > OLD.id) for step in steps)


@given(changes())
def test_migrations_are_taken_back_when_nothing_runs_that_needs_them(drawn: tuple[Environment, Change]):
    plan = planned(drawn)
    order = [step.key for step in plan.steps()]
    assert "migrate-down" not in order or order.index("migrate-down") > max(
        number for number, key in enumerate(order) if key in ("switch", "retire")
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_scripts_their_variables(engine: str):
    variables = engine_for(make_environment(engine=engine)).variables()
    assert set(variables) >= {"BASE", "PROJECT"}
