"""What a person is told and asked of migrations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from autogrowth_ops.errors import UsageError
from autogrowth_ops.model.environment import App, Environment, Host, Migrate, Service
from autogrowth_ops.model.event import Event
from autogrowth_ops.model.observation import Container, Observation
from autogrowth_ops.model.policies import Policies
from autogrowth_ops.operations import deploy as deploying
from autogrowth_ops.operations import rollback as going_back
from autogrowth_ops.operations.outcome import Prepared
from autogrowth_ops.session import Session
from tests.fakes import ScriptedHost, make_environment, make_release
from tests.plans import OLD, OLDER, serving

Open = Callable[..., Session]
NEWER = make_release("20261123-110000-0000009")
MIGRATE = Migrate(command=("up",), down=("down",), paths=("m",))
APP = App(name="shop", services={"web": Service(port=8000)}, migrate=MIGRATE)
MIGRATING = make_environment(app=APP)
GOING_DOWN = replace(MIGRATING, policies=Policies(migrate_down="on_rollback"))
BETWEEN = f"migrations ran between {OLDER.id} and {OLD.id}"
UNKNOWN = f"migrations may have run (that was not recorded: app/migrate/paths) between {OLDER.id} and {OLD.id}"


def with_migrations(older: str, old: str, host: str = "app1") -> Observation:
    releases = (replace(OLDER, migration_hash=older), replace(OLD, migration_hash=old))
    return replace(serving(host, with_older=True), releases=releases)


def warning(open_on: Open, environment: Environment, *observed: Observation) -> str:
    return going_back.prepare(open_on(environment, *observed)).warning


def host(session: Session) -> ScriptedHost:
    return session.remotes["app1"]  # type: ignore[return-value]


def changed(session: Session) -> bool:
    return any(call[0] != "observe" for call in host(session).calls())


@pytest.mark.parametrize(
    ("environment", "older", "old", "expected"),
    [
        (MIGRATING, "m1", "m1", ""),
        (make_environment(), "", "", ""),
        (MIGRATING, "m1", "m2", f"{BETWEEN}: the schema stays as it is, and the older code has to work with it"),
        (
            make_environment(),
            "m1",
            "m2",
            f"{BETWEEN}: the schema stays as it is, and the older code has to work with it",
        ),
        (MIGRATING, "", "", f"{UNKNOWN}: the schema stays as it is, and the older code has to work with it"),
        (
            GOING_DOWN,
            "m1",
            "m2",
            f"{BETWEEN}: they are taken back once {OLD.id} has stopped, and what they hold is lost",
        ),
    ],
)
def test_a_way_back_over_migrations_says_what_it_means(
    open_on: Open, environment: Environment, older: str, old: str, expected: str
):
    assert warning(open_on, environment, with_migrations(older, old)) == expected


def test_the_newest_release_that_serves_anywhere_is_the_one_that_is_left(open_on: Open):
    two = replace(MIGRATING, hosts={name: Host(name=name, address=name, roles=("app",)) for name in ("app1", "app2")})
    behind = replace(with_migrations("m1", "m2"), proxied=OLDER.id, current=OLDER.id)
    session = open_on(two, behind, with_migrations("m1", "m2", "app2"))
    assert going_back.prepare(session, OLDER.id).warning.startswith(BETWEEN)


def test_the_way_forward_is_no_way_back(open_on: Open):
    releases = (*with_migrations("m1", "m2").releases, replace(NEWER, migration_hash="m3"))
    session = open_on(MIGRATING, replace(serving(), releases=releases))
    assert deploying.prepare(session, NEWER.id).warning == ""


def test_an_older_release_that_is_deployed_goes_back_too(open_on: Open):
    session = open_on(MIGRATING, with_migrations("m1", "m2"))
    assert deploying.prepare(session, OLDER.id).warning.startswith(BETWEEN)


def refuse(prepared: Prepared) -> None:
    raise UsageError(prepared.warning)


@pytest.mark.parametrize("operation", [going_back.rollback, deploying.deploy])
def test_who_says_no_changes_nothing(open_on: Open, operation: Callable[..., object]):
    session = open_on(MIGRATING, with_migrations("m1", "m2"))
    with pytest.raises(UsageError, match=BETWEEN):
        operation(session, OLDER.id, agree=refuse)
    assert not changed(session)


def test_behind_a_yes_the_hosts_are_looked_at_anew(open_on: Open):
    session, asked = open_on(MIGRATING, with_migrations("m1", "m2")), []
    assert going_back.rollback(session, agree=asked.append).release.id == OLDER.id
    assert [one.change.release.id for one in asked] == [OLDER.id]
    assert len(host(session).calls("observe")) == 2


@pytest.mark.parametrize(("older", "old"), [("m1", "m1"), ("m2", "m2")])
def test_nobody_is_asked_where_the_migrations_are_the_same(open_on: Open, older: str, old: str):
    assert going_back.rollback(open_on(MIGRATING, with_migrations(older, old)), agree=refuse).changed


def test_without_a_person_to_ask_it_goes_back(open_on: Open):
    assert going_back.rollback(open_on(MIGRATING, with_migrations("m1", "m2"))).changed


@pytest.mark.parametrize(("state", "notes"), [("running", 1), ("exited", 0)])
def test_a_migration_that_still_runs_is_told_of(open_on: Open, events: list[Event], state: str, notes: int):
    left = Container("id", "shop-production-migrate", "shop-production-x", "web", "x", state, "")
    session = open_on(MIGRATING, replace(serving(), containers=(*serving().containers, left)))
    deploying.deploy(session)
    told = [event for event in events if event.title == "a migration that x began still runs; it is waited for"]
    assert len(told) == notes
