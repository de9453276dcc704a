from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autogrowth_ops.errors import HostUnready, LockHeld, RolloutFailed, UndoFailed, Unreachable, UsageError
from autogrowth_ops.model.environment import App, Host, Migrate, Postgres, Service, Stack
from autogrowth_ops.model.event import Event
from autogrowth_ops.model.observation import Facts, Observation
from autogrowth_ops.model.policies import Policies
from autogrowth_ops.model.release import Release
from autogrowth_ops.model.secret import Secret
from autogrowth_ops.operations.deploy import Outcome, deploy, prepare
from autogrowth_ops.operations.difference import differences
from autogrowth_ops.operations.rollback import prepare as prepare_rollback
from autogrowth_ops.operations.rollback import rollback
from autogrowth_ops.session import Session
from tests.conftest import commit
from tests.fakes import FIT, ScriptedHost, make_containers, make_environment
from tests.plans import LOCK, OLD, OLDER, RELEASE, serving

Open = Callable[..., Session]
TWO = make_environment(Host(name="app1", address="10.1"), Host(name="app2", address="10.2"))


def host(session: Session, name: str = "app1") -> ScriptedHost:
    return session.remotes[name]  # type: ignore[return-value]


def changed(session: Session) -> bool:
    """Whether any host was asked for more than a look."""
    return any(call[0] != "observe" for name in session.remotes for call in host(session, name).calls())


def sent(session: Session, name: str = "app1") -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(host(session, name).scripts[-1].stdin)) as tar:
        members = [member for member in tar.getmembers() if member.isreg()]
        return {member.name: tar.extractfile(member).read().decode() for member in members}


def payload(session: Session, name: str) -> dict[str, str]:
    """What was sent to a host in whichever script."""
    (script,) = [one for one in host(session, name).scripts if one.stdin]
    with tarfile.open(fileobj=io.BytesIO(script.stdin)) as tar:
        return {one.name: tar.extractfile(one).read().decode() for one in tar.getmembers() if one.isreg()}


def after(open_on: Open, outcome: Outcome, session: Session, **changes: object) -> Observation:
    """What the host looks like behind a deploy."""
    record = replace(outcome.release, state="good", image_id="sha256:1")
    change = prepare(session).change
    observed = Observation(
        "app1",
        FIT,
        record.id,
        (record,),
        (*make_containers(record.id, web=1), *make_containers("", proxy=1)),
        (record.image,),
        stack_hash=change.stack_hashes["app1"],
        source_tree=record.version.tree,
        proxied=record.id,
    )
    return replace(observed, **changes)


def test_a_first_deploy_wants_room_for_an_image_nobody_knows_yet(open_on: Open):
    session = open_on(None, Observation("app1", replace(FIT, image_disk_free_bytes=2**31 - 1)))
    with pytest.raises(HostUnready, match="Docker's images; an image takes about 1 GiB"):
        deploy(session)
    assert not changed(session)


def test_a_full_disk_keeps_no_older_release_from_coming_back(open_on: Open, events: list[Event]):
    session = open_on(None, replace(serving(with_older=True), facts=replace(FIT, disk_free_bytes=1)))
    assert prepare_rollback(session).change.release.id == OLDER.id
    assert ["warning: only" in event.title for event in events] == [True]


@pytest.mark.parametrize("older", [replace(OLDER, stores=("redis",)), replace(OLDER, public="web")])
def test_an_older_release_without_what_it_stands_on_is_refused(open_on: Open, older: Release):
    observed = replace(serving(with_older=True), releases=(older, OLD), stack_hash="of an environment without it")
    with pytest.raises(UsageError, match=r"needs (redis|proxy), which the stack has not any more; have it in env/"):
        prepare_rollback(open_on(None, observed))


def test_a_first_deploy_that_fails_leaves_nothing_serving(open_on: Open):
    session = open_on()
    host(session).answers("step", "build", code=1, text="no such package")
    with pytest.raises(RolloutFailed, match="undone, nothing serves yet$"):
        deploy(session)


def test_a_first_deploy_is_two_trips(open_on: Open):
    session = open_on()
    outcome = deploy(session)
    assert (outcome.changed, outcome.was, outcome.hosts, outcome.trips) == (True, None, ("app1",), {"app1": 2})


def test_a_first_deploy_sends_the_source_the_release_and_the_stack(open_on: Open):
    session = open_on()
    deploy(session)
    paths = set(sent(session))
    assert {"source.full", "source.tree", "source.removed", "source/main.py", "source/src/app.py"} <= paths
    assert {"release/compose.yml", "release/app.env", "release/release.json", "stack/compose.yml"} <= paths


def test_the_record_that_is_sent_is_of_a_release_that_has_started(open_on: Open):
    session = open_on()
    outcome = deploy(session)
    record = json.loads(sent(session)["release/release.json"])
    assert (record["id"], record["state"], record["image_id"]) == (outcome.release.id, "started", "")


def test_a_release_says_what_when_and_by_whom(open_on: Open):
    release = deploy(open_on()).release
    assert release.id.startswith("20261123-120000-")
    assert (release.created_at, release.created_by) == ("2026-11-23T12:00:00Z", "kim")
    assert release.version.subject == "first version"


def test_a_deploy_of_what_serves_already_changes_nothing(open_on: Open):
    first = open_on()
    observed = after(open_on, deploy(first), first)
    again = open_on(None, observed)
    outcome = deploy(again)
    assert (outcome.changed, outcome.release.id, outcome.trips) == (False, observed.current, {"app1": 1})
    assert not changed(again)


@pytest.mark.parametrize(
    "changes",
    [{"containers": ()}, {"stack_hash": "other"}, {"proxied": "", "current": None}],
)
def test_a_deploy_of_the_same_is_needed_where_it_does_not_run_as_it_should(open_on: Open, changes: dict[str, object]):
    first = open_on()
    observed = after(open_on, deploy(first), first, **changes)
    assert prepare(open_on(None, observed)).is_needed


def test_a_release_that_is_not_good_is_deployed_again(open_on: Open):
    first = open_on()
    observed = after(open_on, deploy(first), first)
    started = replace(observed, releases=(replace(observed.releases[0], state="started"),))
    assert prepare(open_on(None, started)).is_needed


def test_a_changed_variable_reuses_image_and_source(open_on: Open):
    first = open_on()
    observed = after(open_on, deploy(first), first)
    session = open_on(make_environment(variables={"COLOUR": "blue"}), observed)
    keys = [step.key for step in prepare(session).plan.steps()]
    assert "image" in keys
    assert prepare(session).change.sources == {}


def test_only_the_difference_is_sent_to_a_host_that_has_a_source(open_on: Open, tmp_path: Path):
    (tmp_path / "main.py").write_text("one")
    (tmp_path / "gone.py").write_text("two")
    (tmp_path / "same.py").write_text("three")
    commit(tmp_path, "first")
    first = open_on(root=tmp_path)
    observed = after(open_on, deploy(first), first)
    (tmp_path / "main.py").write_text("changed")
    (tmp_path / "gone.py").unlink()
    commit(tmp_path, "second")
    session = open_on(None, observed, root=tmp_path)
    outcome = deploy(session)
    files = {path: text for path, text in sent(session).items() if path.startswith("source")}
    assert {**files, "source.tree": ""} == {
        "source.removed": "gone.py\n",
        "source.tree": "",
        "source/main.py": "changed",
    }
    assert [subject.split(" ", 1)[1] for subject in outcome.commits] == ["second"]


def test_a_host_with_an_unknown_source_gets_all_of_it(open_on: Open):
    session = open_on(None, replace(serving(), source_tree="0" * 40))
    assert prepare(session).change.sources["app1"].base == ""


def test_two_hosts_share_one_release(open_on: Open):
    session = open_on(TWO)
    outcome = deploy(session)
    assert (outcome.hosts, outcome.trips) == (("app1", "app2"), {"app1": 7, "app2": 4})


def fleet_after(open_on: Open, *without: str, **changes: object) -> dict[str, Observation]:
    """TWO behind a deploy of all; the hosts in `without` serve what they served before it."""
    first = open_on(TWO)
    done = after(open_on, deploy(first), first, **changes)
    hashes = prepare(first).change.stack_hashes
    there = {name: replace(done, host=name, stack_hash=hashes[name]) for name in TWO.hosts}
    return there | {name: replace(serving(name), stack_hash=hashes[name]) for name in without}


def test_a_fleet_that_has_the_release_needs_nothing(open_on: Open):
    assert not prepare(open_on(TWO, *fleet_after(open_on).values())).is_needed


def test_hosts_without_the_release_that_serves_on_others_get_that_one(open_on: Open):
    seen = fleet_after(open_on, "app2")
    session = open_on(TWO, *seen.values())
    outcome = deploy(session)
    assert (outcome.release.id, outcome.was, outcome.changed) == (seen["app1"].serving(), OLD.id, True)
    assert not {"receive", "build", "image", "migrate"} & {call[1] for call in host(session).calls("step")}
    record = json.loads(payload(session, "app2")["release/release.json"])
    assert (record["id"], record["state"], record["image_id"]) == (outcome.release.id, "started", "")


def test_what_a_host_keeps_is_not_sent_built_or_migrated_there(open_on: Open):
    migrated = replace(TWO, app=replace(TWO.app, migrate=Migrate(command=("m",))))
    seen = fleet_after(open_on, "app2")
    steps = prepare(open_on(migrated, *seen.values())).plan.steps()
    undone = [step.undo[0] for step in steps if step.host == "app1" and step.undo]
    assert not {"drop_release", "remove_release", "remove_image"} & set(undone)


def test_a_limit_of_time_is_todays_also_where_a_release_is_there_already(open_on: Open):
    slow = replace(TWO, app=App(name="shop", services={"web": Service(port=8000, start_timeout_seconds=99)}))
    session = open_on(slow, *fleet_after(open_on, "app2").values())
    assert prepare(session).change.release.services["web"]["start_timeout_seconds"] == 99


def test_a_host_that_failed_with_the_release_gets_it_again(open_on: Open):
    seen = fleet_after(open_on, "app2")
    bad = replace(seen["app1"].releases[0], state="bad")
    failed = replace(seen["app2"], releases=(*seen["app2"].releases, bad))
    assert list(prepare(open_on(TWO, seen["app1"], failed)).change.files) == ["app2"]


def test_a_host_that_has_the_release_and_serves_another_is_switched(open_on: Open):
    seen = fleet_after(open_on)
    back = replace(seen["app2"], releases=(OLD, *seen["app2"].releases), current=OLD.id, proxied=OLD.id)
    prepared = prepare(open_on(TWO, seen["app1"], back))
    assert (prepared.is_needed, prepared.change.release.id, prepared.change.files) == (True, seen["app1"].current, {})


def test_equal_releases_of_two_ids_become_one(open_on: Open):
    seen = fleet_after(open_on)
    older = replace(seen["app2"].releases[0], id=OLDER.id)
    other = replace(
        seen["app2"],
        releases=(older,),
        current=OLDER.id,
        proxied=OLDER.id,
        containers=make_containers(OLDER.id, web=1),
    )
    prepared = prepare(open_on(TWO, seen["app1"], other))
    assert (prepared.is_needed, prepared.change.release.id) == (True, seen["app1"].current)
    assert list(prepared.change.files) == ["app2"]


def test_a_changed_stack_of_a_host_that_has_the_release_makes_a_new_one(open_on: Open):
    seen = fleet_after(open_on, "app2")
    session = open_on(TWO, replace(seen["app1"], stack_hash="other"), seen["app2"])
    assert list(prepare(session).change.files) == ["app1", "app2"]


def test_a_new_host_gets_the_release_of_the_others(open_on: Open):
    seen = fleet_after(open_on, "app2")
    prepared = prepare(open_on(TWO, seen["app1"], Observation("app2", FIT)))
    assert (prepared.change.release.id, list(prepared.change.files)) == (seen["app1"].current, ["app2"])


WITH_DATA = make_environment(*TWO.hosts.values(), Host(name="data1", address="10.3", roles=("data",)))


def test_a_host_of_datastores_that_is_away_is_skipped(open_on: Open):
    session = open_on(WITH_DATA)
    host(session, "data1").goes_away()
    outcome = deploy(session)
    assert (outcome.changed, outcome.skipped) == (True, ("data1",))


def test_a_host_of_datastores_that_is_away_is_skipped_by_what_changes_nothing(open_on: Open):
    session = open_on(WITH_DATA, *(replace(serving(name, with_older=True)) for name in TWO.hosts))
    host(session, "data1").goes_away()
    outcome = rollback(session, OLD.id)
    assert (outcome.changed, outcome.skipped) == (False, ("data1",))


@pytest.mark.parametrize("act", [deploy, rollback])
def test_an_app_host_that_is_away_stops_everything(open_on: Open, act: Callable[[Session], Outcome]):
    session = open_on(WITH_DATA, serving("app1", with_older=True))
    host(session, "app2").goes_away()
    with pytest.raises(Unreachable):
        act(session)
    assert not changed(session)


def test_an_unfit_host_is_refused_before_anything_is_changed(open_on: Open):
    session = open_on(TWO, Observation("app2", Facts(has_docker=True, can_use_docker=True)))
    with pytest.raises(HostUnready, match="app2: the Docker daemon does not answer"):
        deploy(session)
    assert not changed(session)


def test_a_held_lock_is_refused_before_anything_is_changed(open_on: Open):
    session = open_on(None, replace(serving(), lock=LOCK))
    with pytest.raises(LockHeld, match="app1: locked by kim@laptop"):
        deploy(session)
    assert not changed(session)


def test_an_unknown_ref_is_refused_before_anything_is_changed(open_on: Open):
    session = open_on()
    with pytest.raises(UsageError, match="v9: no release and no git ref of that name"):
        deploy(session, "v9")
    assert not changed(session)


def test_uncommitted_changes_are_refused_and_named(open_on: Open, tmp_path: Path):
    (tmp_path / "main.py").write_text("one")
    commit(tmp_path, "first")
    (tmp_path / "main.py").write_text("two")
    with pytest.raises(UsageError, match=r"1 file not committed \(main.py\)"):
        deploy(open_on(root=tmp_path))


def test_uncommitted_changes_are_deployed_on_demand(open_on: Open, tmp_path: Path):
    (tmp_path / "main.py").write_text("one")
    commit(tmp_path, "first")
    (tmp_path / "main.py").write_text("two")
    session = open_on(root=tmp_path)
    outcome = deploy(session, allow_dirty=True)
    assert outcome.release.id.endswith("-dirty")
    assert sent(session)["source/main.py"] == "two"


def test_no_host_with_the_role_app_is_refused(open_on: Open):
    data = Host(name="data1", address="10.3", roles=("data",))
    with pytest.raises(UsageError, match="none of the chosen hosts has the role app"):
        deploy(open_on(make_environment(data)))


def test_a_release_on_the_hosts_can_be_deployed_by_its_id(open_on: Open):
    session = open_on(None, serving(with_older=True))
    outcome = deploy(session, OLDER.id)
    assert (outcome.release.id, outcome.was, outcome.trips) == (OLDER.id, OLD.id, {"app1": 2})


def test_a_release_that_nobody_has_is_refused_with_those_there_are(open_on: Open):
    with pytest.raises(UsageError, match=f"no such release; there are: {OLD.id}, {OLDER.id}$"):
        deploy(open_on(None, serving()), "20200101-000000-0000000")


def test_a_bad_release_is_refused_with_its_reason(open_on: Open):
    bad = replace(OLDER, state="bad", reason="out of memory")
    with pytest.raises(UsageError, match=rf"{OLDER.id}: this release failed \(out of memory\); deploy its commit"):
        deploy(open_on(None, replace(serving(), releases=(bad, OLD))), OLDER.id)


def test_a_release_that_one_host_lacks_is_refused(open_on: Open):
    session = open_on(TWO, serving("app1"), replace(serving("app2"), releases=(OLD,)))
    with pytest.raises(
        UsageError,
        match=f"app2: no good release {OLDER.id} there; deploy its commit: inv deploy --env=production --version=",
    ):
        deploy(session, OLDER.id)


def test_a_failing_deploy_leaves_the_old_release_and_a_bad_record(open_on: Open):
    session = open_on(None, serving())
    host(session).answers("step", "ready", code=22, blocks=[("evidence web-1", "last health answer: 503")])
    with pytest.raises(RolloutFailed, match="web-1: last health answer: 503; undone"):
        deploy(session)
    records = [call for call in host(session).calls("attempt") if call[1] == "record"]
    assert json.loads(records[0][-1])["state"] == "bad"


def test_migrations_of_a_tree_have_a_name(open_on: Open):
    app = App(name="shop", services={"web": Service(port=80)}, migrate=Migrate(command=("m",), paths=("src",)))
    release = prepare(open_on(make_environment(app=app))).change.release
    assert len(release.migration_hash) == 40


def test_a_gate_that_fails_sends_nothing(open_on: Open):
    app = App(name="shop", services={"web": Service(port=80)}, test_command=("sh", "-c", "echo broken test; exit 1"))
    session = open_on(make_environment(app=app), serving())
    with pytest.raises(RolloutFailed, match="the application's tests failed: exit code 1; nothing was sent") as raised:
        deploy(session)
    assert raised.value.details == ("broken test",)
    assert not changed(session)


def test_passed_and_skipped_tests_are_recorded(open_on: Open):
    app = App(name="shop", services={"web": Service(port=80)}, test_command=("true",))
    environment = make_environment(app=app)
    assert deploy(open_on(environment)).release.tests == "passed"
    assert deploy(open_on(environment), skip_tests=True).release.tests == "skipped"


def test_rollback_goes_to_the_newest_good_release_before(open_on: Open):
    outcome = rollback(open_on(None, serving(with_older=True)))
    assert (outcome.release.id, outcome.was, outcome.trips) == (OLDER.id, OLD.id, {"app1": 2})


def test_rollback_may_name_its_release(open_on: Open):
    assert rollback(open_on(None, serving(with_older=True)), OLDER.id).release.id == OLDER.id


def test_a_rollback_makes_the_older_release_good_again_in_its_record(open_on: Open):
    session = open_on(None, serving(with_older=True))
    rollback(session)
    record = next(call for call in host(session).calls("step") if call[1] == "record")
    assert json.loads(record[-1])["id"] == OLDER.id


def with_releases(*releases: Release) -> Observation:
    return replace(serving(), releases=releases)


@pytest.mark.parametrize(
    ("observed", "to", "problem"),
    [
        (serving(), "20200101-000000-0000000", f"no such release; there are: {OLD.id}, {OLDER.id}"),
        (
            with_releases(replace(OLDER, state="bad"), OLD),
            OLDER.id,
            rf"this release failed; there are: {OLD.id}, {OLDER.id} \(bad\)",
        ),
        (with_releases(OLD), "", f"app1: no good release before {OLD.id}; there are: {OLD.id}"),
        (Observation("app1", FIT), "", "app1: no good release before the first; there are: none"),
    ],
)
def test_a_rollback_that_cannot_be_lists_what_there_is(open_on: Open, observed: Observation, to: str, problem: str):
    session = open_on(None, observed)
    with pytest.raises(UsageError, match=problem):
        prepare_rollback(session, to)
    assert not changed(session)


def test_a_rollback_that_fails_needs_a_person(open_on: Open):
    session = open_on(None, serving(with_older=True))
    host(session).answers("step", "ready", code=1, text="gone")
    with pytest.raises(UndoFailed, match="gone.*neither release can be trusted"):
        rollback(session)


def test_a_rollback_whose_undo_fails_says_just_that(open_on: Open):
    session = open_on(None, serving(with_older=True))
    host(session).answers("step", "ready", code=1, text="gone").answers("attempt", code=1)
    with pytest.raises(UndoFailed, match="undo failed") as raised:
        rollback(session)
    assert "neither" not in str(raised.value)


def test_a_rollback_to_what_serves_changes_nothing(open_on: Open):
    session = open_on(None, serving())
    assert not rollback(session, OLD.id).changed


def mixed(first: Observation, second: Observation) -> tuple[Observation, ...]:
    """The release is on the first host only, where it serves; both have OLD and OLDER."""
    new = replace(first, releases=(OLDER, OLD, RELEASE), current=RELEASE.id, proxied=RELEASE.id)
    return new, second


def test_a_rollback_of_two_releases_goes_to_the_one_before_that_all_have(open_on: Open):
    session = open_on(TWO, *mixed(serving("app1"), serving("app2")))
    outcome = rollback(session)
    assert (outcome.release.id, outcome.was) == (OLD.id, RELEASE.id)


def test_a_rollback_skips_a_release_that_is_not_good_everywhere(open_on: Open):
    failed = replace(serving("app2"), releases=(OLDER, replace(OLD, state="bad")), current=OLDER.id, proxied=OLDER.id)
    assert rollback(open_on(TWO, *mixed(serving("app1"), failed))).release.id == OLDER.id


def test_a_rollback_of_hosts_that_share_no_release_says_so(open_on: Open):
    session = open_on(TWO, serving("app1"), Observation("app2", FIT))
    with pytest.raises(UsageError, match=f"app1, app2: no good release before {OLD.id} that app1, app2 all have; ther"):
        rollback(session)


def test_a_rollback_to_what_failed_on_a_host_names_it(open_on: Open):
    failed = replace(serving("app2"), releases=(replace(OLDER, state="bad"), OLD))
    with pytest.raises(UsageError, match=f"{OLDER.id}: this release failed on app2; there are"):
        rollback(open_on(TWO, serving("app1"), failed), OLDER.id)


def test_a_rollback_keeps_each_hosts_own_image_in_its_record(open_on: Open):
    session = open_on(TWO, *(serving(name, with_older=True) for name in TWO.hosts))
    rollback(session)
    record = next(call for call in host(session, "app2").calls("step") if call[1] == "record")
    assert json.loads(record[-1])["image_id"] == "@IMAGE_ID@"


def test_a_rollback_that_halts_says_who_serves_what(open_on: Open):
    halting = replace(TWO, policies=Policies(on_failure="halt"))
    session = open_on(halting, *(serving(name, with_older=True) for name in TWO.hosts))
    host(session, "app2").answers("step", "ready", code=1, text="gone")
    with pytest.raises(UndoFailed, match=f"halted: {OLDER.id} serves on app1") as raised:
        rollback(session)
    assert [one.host for one in raised.value.hosts] == ["app1", "app2"]


STORED = make_environment(
    stack=Stack(postgres=Postgres(database="shop", user="shop")),
    secrets=("POSTGRES_PASSWORD",),
    secret_values={"POSTGRES_PASSWORD": Secret("hunter2")},
    variables={"DATABASE_URL": "postgresql://shop:{{ secrets.POSTGRES_PASSWORD }}@postgres/shop", "COLOUR": "blue"},
)


def lines(open_on: Open, **texts: str) -> tuple[str, ...]:
    session = open_on(STORED, serving())
    host(session).answers("section")
    for path, text in texts.items():
        host(session).answers("section", path.replace("__", "/").replace("_env", ".env"), text=text)
    return differences(session, prepare(session).change)


def test_a_difference_shows_what_changes_without_secrets(open_on: Open):
    found = lines(open_on, release__app_env='DATABASE_URL="postgresql://shop:old@postgres/shop"\nCOLOUR="red"')
    assert '-COLOUR="red"' in found
    assert '+COLOUR="blue"' in found
    assert not [line for line in found if "hunter2" in line or "old@" in line]


def test_a_secret_that_changed_is_named_and_not_shown(open_on: Open):
    before = "# generated from env/production.env and its secrets; do not edit\n"
    found = lines(open_on, release__app_env=before + 'DATABASE_URL="old"\nCOLOUR="blue"')
    assert "+DATABASE_URL=(another value)" in found


def test_a_first_deploy_has_only_additions(open_on: Open):
    session = open_on()
    host(session).answers("section")
    found = differences(session, prepare(session).change)
    assert not [line for line in found if line.startswith("-") and not line.startswith("---")]


def test_the_stack_of_a_data_host_is_part_of_the_difference(open_on: Open):
    data = Host(name="data1", address="10.3", roles=("data",))
    session = open_on(make_environment(*TWO.hosts.values(), data))
    [host(session, name).answers("section") for name in session.remotes]
    assert "+++ data1:stack/compose.yml" in differences(session, prepare(session).change)
