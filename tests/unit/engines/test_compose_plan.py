"""What the Compose engine plans. Every plan here also has to keep the rules of tests/contract."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autogrowth_ops.engines import engine_for
from autogrowth_ops.engines.compose import ComposeEngine
from autogrowth_ops.engines.door import through_proxy
from autogrowth_ops.model.environment import App, Environment, Host, Migrate, Proxy, Service, Stack
from autogrowth_ops.model.observation import Observation
from autogrowth_ops.model.plan import Plan, Step
from autogrowth_ops.model.policies import Policies
from autogrowth_ops.model.release import Release
from tests.fakes import make_containers, make_environment, make_release
from tests.plans import OLD, OLDER, RELEASE, make_change, serving

APP1, APP2 = Host(name="app1", address="10.1"), Host(name="app2", address="10.2", roles=("app",))
DATA = Host(name="data1", address="10.3", roles=("data",))
FIRST = Observation("app1")


def plan(environment: Environment | None = None, *observed: Observation, **changes: object) -> Plan:
    chosen = environment or make_environment()
    return engine_for(chosen).plan(make_change(chosen, *observed or (serving(),), **changes))


def keys(some: Plan, host: str = "") -> list[str]:
    return [step.key for step in some.steps() if not host or step.host == host]


def named(some: Plan, key: str, host: str = "app1") -> Step:
    return next(step for step in some.steps() if (step.host, step.key) == (host, key))


def test_a_code_change_builds_starts_beside_the_old_switches_and_retires():
    expected = [
        "lock",
        "receive",
        "build",
        "start",
        "ready",
        "switch",
        "verify",
        "current",
        "record",
        "retire",
        "unlock",
    ]
    assert keys(plan()) == expected


def test_one_host_needs_one_script():
    assert len(plan().batches) == 1


def test_the_same_change_gives_the_same_plan():
    assert plan() == plan()


def test_a_first_deploy_makes_the_stack_and_retires_nothing():
    first = plan(None, FIRST, with_stack=True)
    expected = [
        "lock",
        "receive",
        "build",
        "stack",
        "start",
        "ready",
        "switch",
        "verify",
        "current",
        "record",
        "unlock",
    ]
    assert keys(first) == expected


def test_a_first_deploy_is_undone_to_no_release():
    first = plan(None, FIRST, with_stack=True)
    assert named(first, "switch").undo == ("switch", "", "8000")
    assert named(first, "current").undo == ("unpoint_current",)
    assert named(first, "start").undo == ("remove_release", RELEASE.id)


def test_a_switch_is_undone_by_switching_back():
    some = plan()
    assert named(some, "switch").undo == ("switch", OLD.id, "8000")
    assert named(some, "current").undo == ("point_current", OLD.id)


def test_a_changed_configuration_reuses_the_image():
    same_code = replace(RELEASE, build_hash=OLD.build_hash)
    some = plan(None, serving(), release=same_code)
    assert named(some, "image").do == ("docker", "tag", f"shop-production:{OLD.id}", f"shop-production:{RELEASE.id}")
    assert "build" not in keys(some)


@pytest.mark.parametrize(
    "observed",
    [
        replace(serving(), images=()),
        replace(serving(), releases=(OLDER, replace(OLD, state="bad"))),
        replace(serving(), releases=(OLDER, replace(OLD, build_hash="other"))),
    ],
)
def test_an_image_that_is_gone_bad_or_other_is_built_anew(observed: Observation):
    assert "build" in keys(plan(None, observed, release=replace(RELEASE, build_hash=OLD.build_hash)))


def test_the_newest_fitting_image_is_reused():
    observed = replace(serving(), releases=(replace(OLDER, build_hash="b"), replace(OLD, build_hash="b")))
    images = tuple(f"shop-production:{one.id}" for one in observed.releases)
    some = plan(None, replace(observed, images=images), release=replace(RELEASE, build_hash="b"))
    assert named(some, "image").title == f"reuse the image of {OLD.id}"


def test_the_rendered_dockerfile_is_built_from_the_release():
    assert named(plan(), "build").do[-1] == f"/srv/shop/production/releases/{RELEASE.id}/Dockerfile"


def test_a_dockerfile_of_your_own_is_built_from_the_source():
    own = make_environment(app=App(name="shop", dockerfile="docker/Dockerfile", services={"web": Service(port=80)}))
    assert named(plan(own), "build").do[-1] == "/srv/shop/production/source/docker/Dockerfile"


def test_source_and_files_travel_in_one_step():
    step = named(plan(None, serving(), sources=True), "receive")
    assert (step.title, step.payload.source.tree) == ("send files and source", RELEASE.version.tree)


def test_without_a_changed_source_only_files_travel():
    step = named(plan(None, serving(), sources=False), "receive")
    assert (step.title, step.payload.source) == ("send files", None)


def test_files_stand_below_release_and_stack():
    step = named(plan(None, serving(), with_stack=True), "receive")
    assert [file.path for file in step.payload.files] == ["release/compose.yml", "stack/compose.yml"]


def test_a_changed_stack_is_its_own_step_and_can_be_restored():
    step = named(plan(None, serving(), with_stack=True), "stack")
    assert (step.do, step.undo) == (("install_stack", "stack-hash"), ("restore_stack",))


def test_rollback_to_a_stopped_release_starts_what_is_there():
    back = plan(None, serving(with_older=True), release=OLDER, is_new=False)
    expected = ["lock", "start", "ready", "switch", "verify", "current", "record", "retire", "unlock"]
    assert keys(back) == expected
    assert named(back, "start").do == ("restart_containers", OLDER.id, "web")
    assert named(back, "start").undo == ("stop_release", OLDER.id, "web")


WORKING = make_environment(
    services={
        "web": Service(port=8000),
        "worker": Service(),
        "clock": Service(singleton=True),
        "api": Service(port=9000),
    }
)
WARM = replace(
    serving(),
    containers=(
        *make_containers(OLD.id, web=1, worker=1, clock=1, api=1),
        *make_containers(OLDER.id, web=1, api=1),
    ),
    retiring={OLDER.id: 300},
)


def test_a_rollback_to_a_warm_release_switches_before_all_else_is_started():
    back = plan(WORKING, WARM, release=OLDER, is_new=False)
    assert [key.partition("-2026")[0] for key in keys(back)] == [
        *("lock", "start", "ready", "switch", "verify", "start-rest", "ready-rest"),
        *("stop-single", "start-single", "ready-single", "current", "record", "retire", "unlock"),
    ]
    assert named(back, "start").do == ("restart_warm", OLDER.id, "web", "api")
    assert named(back, "start").undo == ("stop_release", OLDER.id, "web", "api")


def test_what_replaces_nothing_is_never_stopped_by_an_undo():
    mended = plan(None, serving(), release=OLD, is_new=False)
    assert named(mended, "start").undo is None


def test_missing_replicas_are_made_before_they_are_started():
    two = make_environment(services={"web": Service(port=8000, replicas=2)})
    back = plan(two, serving(with_older=True), release=OLDER, is_new=False)
    assert named(back, "start").do == ("start_release", OLDER.id, "web")


MIGRATING = make_environment(
    app=App(
        name="shop",
        services={"worker": Service(), "web": Service(port=80)},
        migrate=Migrate(command=("python", "migrate")),
    )
)


def test_migrations_run_after_the_build_and_before_the_start():
    order = keys(plan(MIGRATING))
    assert order.index("build") < order.index("migrate") < order.index("start")


@pytest.mark.parametrize(("service", "expected"), [("", "web"), ("worker", "worker")])
def test_migrations_run_as_the_named_or_the_public_service(service: str, expected: str):
    migrate = replace(MIGRATING.app.migrate, service=service)
    environment = replace(MIGRATING, app=replace(MIGRATING.app, migrate=migrate))
    assert named(plan(environment), "migrate").do == ("migrate", RELEASE.id, "600", expected, "python", "migrate")


def test_migrations_run_as_the_first_service_where_none_is_public():
    environment = replace(MIGRATING, app=replace(MIGRATING.app, services={"worker": Service()}))
    assert named(plan(environment), "migrate").do[3] == "worker"


def test_unchanged_migrations_are_not_run():
    observed = replace(serving(), releases=(OLDER, replace(OLD, migration_hash="m1")))
    assert "migrate" not in keys(plan(MIGRATING, observed, release=replace(RELEASE, migration_hash="m1")))


@pytest.mark.parametrize("now", ["", "m2"])
def test_changed_or_unnamed_migrations_are_run(now: str):
    observed = replace(serving(), releases=(OLDER, replace(OLD, migration_hash="m1")))
    assert "migrate" in keys(plan(MIGRATING, observed, release=replace(RELEASE, migration_hash=now)))


def test_a_rollback_never_migrates():
    back = plan(MIGRATING, serving(with_older=True), release=OLDER, is_new=False)
    assert not {"migrate", "migrate-version", "migrate-down"} & set(keys(back))


def test_an_interrupted_migration_is_asked_to_end():
    assert named(plan(MIGRATING), "migrate").undo == ("end_migration", RELEASE.id)


def test_a_migration_may_wait_for_another_one_and_then_takes_its_own_time():
    assert named(plan(MIGRATING), "migrate").timeout_seconds > 2 * MIGRATING.app.migrate.timeout_seconds


def test_coming_forward_to_a_known_release_migrates_where_the_migrations_differ():
    observed = replace(serving(), releases=(replace(OLD, migration_hash="m1"), replace(RELEASE, migration_hash="m2")))
    forward = plan(MIGRATING, observed, release=replace(RELEASE, migration_hash="m2"), is_new=False)
    assert named(forward, "migrate").do[:2] == ("migrate", RELEASE.id)


GOING_DOWN = replace(
    MIGRATING,
    app=replace(MIGRATING.app, migrate=Migrate(command=("up",), down=("down",), version=("newest",), paths=("m",))),
    policies=Policies(migrate_down="on_rollback"),
)
MIGRATED = replace(
    serving(with_older=True), releases=(replace(OLDER, migration_hash="m1"), replace(OLD, migration_hash="m2"))
)


def back(environment: Environment, *observed: Observation) -> Plan:
    return plan(environment, *observed or (MIGRATED,), release=replace(OLDER, migration_hash="m1"), is_new=False)


def test_on_the_way_back_migrations_are_taken_back_last():
    assert keys(back(GOING_DOWN)) == [
        *("lock", "start", "ready", "switch", "verify", "current"),
        *("migrate-version", "record", "retire", "stop-left", "migrate-down", "unlock"),
    ]


def test_migrations_are_taken_back_from_the_release_that_has_them():
    do = named(back(GOING_DOWN), "migrate-down").do
    assert do[:4] == ("migrate_down", OLDER.id, OLD.id, "600")
    assert do[4:] == (
        *("--env", "MIGRATE_TO_VERSION", "--env", f"MIGRATE_TO_RELEASE={OLDER.id}"),
        *("--env", f"MIGRATE_TO_COMMIT={OLDER.version.commit}", "web", "down"),
    )


def test_taking_back_cannot_be_undone_and_has_its_own_time():
    down = named(back(GOING_DOWN), "migrate-down")
    assert (down.final, down.undo, down.timeout_seconds) == (True, None, 1260)


def test_without_words_for_the_version_nobody_is_asked():
    migrate = replace(GOING_DOWN.app.migrate, version=())
    environment = replace(GOING_DOWN, app=replace(GOING_DOWN.app, migrate=migrate))
    assert "migrate-version" not in keys(back(environment))


@pytest.mark.parametrize(
    ("now", "then"),
    [("never", ("m1", "m2")), ("on_rollback", ("m1", "m1"))],
)
def test_migrations_are_taken_back_only_where_the_policy_says_so_and_they_differ(now: str, then: tuple[str, str]):
    releases = tuple(replace(one, migration_hash=name) for one, name in zip((OLDER, OLD), then, strict=True))
    environment = replace(GOING_DOWN, policies=Policies(migrate_down=now))
    assert "migrate-down" not in keys(back(environment, replace(MIGRATED, releases=releases)))


def test_a_release_that_serves_on_another_host_only_is_left_too():
    rolled = replace(MIGRATED, proxied=OLDER.id, current=OLDER.id, host="app1")
    found = back(replace(GOING_DOWN, hosts={"app1": APP1, "app2": APP2}), rolled, replace(MIGRATED, host="app2"))
    assert [step.host for step in found.steps() if step.key == "migrate-down"] == ["app1"]


SINGLE = make_environment(
    services={"web": Service(port=8000), "scheduler": Service(singleton=True, stop_grace_seconds=90)}
)
WITH_SCHEDULER = replace(serving(), containers=make_containers(OLD.id, web=1, scheduler=1))


def test_a_singleton_stops_before_its_successor_starts():
    order = keys(plan(SINGLE, WITH_SCHEDULER))
    assert order.index(f"stop-single-{OLD.id}") < order.index("start-single") < order.index("switch")


def test_other_services_start_before_the_old_singleton_stops():
    order = keys(plan(SINGLE, WITH_SCHEDULER))
    assert order.index("ready") < order.index(f"stop-single-{OLD.id}")


def test_only_the_singleton_of_the_old_release_is_stopped_and_can_come_back():
    step = named(plan(SINGLE, WITH_SCHEDULER), f"stop-single-{OLD.id}")
    assert step.do == ("stop_release", OLD.id, "scheduler")
    assert step.undo == ("start_release", OLD.id, "scheduler")
    assert step.timeout_seconds > 90


def test_a_singleton_of_what_was_replaced_before_does_not_come_back():
    retiring = make_containers(OLDER.id, web=1)
    observed = replace(WITH_SCHEDULER, containers=(*WITH_SCHEDULER.containers, *retiring), retiring={OLDER.id: 20})
    assert named(plan(SINGLE, observed), f"stop-single-{OLDER.id}").undo is None


def test_a_first_deploy_stops_no_singleton():
    assert keys(plan(SINGLE, FIRST, with_stack=True)).count("start-single") == 1


def test_an_environment_of_singletons_only_has_no_switch():
    order = keys(plan(make_environment(services={"bot": Service(singleton=True)})))
    assert not {"start", "ready", "switch", "verify"} & set(order)


def test_waiting_names_what_it_waits_for():
    environment = make_environment(services={"web": Service(port=80, start_timeout_seconds=9), "worker": Service()})
    step = named(plan(environment), "ready")
    assert step.title == "wait until web, worker answer"
    assert step.do == ("wait_ready", RELEASE.id, "web:9:80:/health", "worker:60::")


def test_workers_only_have_to_run():
    assert named(plan(make_environment(services={"worker": Service()})), "ready").title == "wait until worker runs"


TWO = make_environment(APP1, APP2)
BOTH = (serving("app1"), serving("app2"))


def batches(some: Plan) -> list[tuple[str, ...]]:
    return [batch.hosts() for batch in some.batches]


def test_two_hosts_prepare_together_and_the_first_starts_alone():
    assert batches(plan(TWO, *BOTH)) == [("app1",), ("app1", "app2"), ("app1",), ("app2",), ("app1", "app2"), ("app1",)]


def test_the_lock_is_taken_first_and_given_back_last_on_the_first_host():
    order = [(step.host, step.key) for step in plan(TWO, *BOTH).steps()]
    assert (order[0], order[-1]) == (("app1", "lock"), ("app1", "unlock"))


def test_migrations_run_on_one_host():
    environment = replace(MIGRATING, hosts=TWO.hosts)
    assert [step.host for step in plan(environment, *BOTH).steps() if step.key == "migrate"] == ["app1"]


def test_other_hosts_start_so_many_at_once():
    third = replace(APP2, name="app3")
    policies = replace(TWO.policies, at_once=7)
    environment = make_environment(APP1, APP2, third, policies=policies)
    others = plan(environment, *BOTH, serving("app3")).batches[3]
    assert (others.hosts(), others.at_once) == (("app2", "app3"), 7)


def test_nothing_is_retired_before_every_host_has_switched():
    order = [(step.host, step.key) for step in plan(TWO, *BOTH).steps()]
    assert order.index(("app2", "verify")) < order.index(("app1", "record"))


def test_hosts_that_were_not_looked_at_are_left_alone():
    assert {step.host for step in plan(TWO, serving("app1")).steps()} == {"app1"}


def test_a_data_host_gets_its_stack_and_no_release():
    environment = make_environment(APP2, DATA)
    data = Observation("data1")
    some = plan(environment, replace(FIRST, host="app2"), data, with_stack=True)
    assert keys(some, "data1") == ["receive", "stack"]


def test_the_data_hosts_stack_is_ready_before_anything_starts():
    environment = make_environment(APP2, DATA)
    order = [
        (step.host, step.key)
        for step in plan(environment, serving("app2"), Observation("data1"), with_stack=True).steps()
    ]
    assert order.index(("data1", "stack")) < order.index(("app2", "start"))


def test_a_data_host_whose_stack_did_not_change_has_no_step():
    environment = make_environment(APP2, DATA)
    assert keys(plan(environment, serving("app2"), Observation("data1")), "data1") == []


def many(state: str = "good") -> tuple[Release, ...]:
    return tuple(make_release(f"2026112{day}-100000-aaaaaaa", state=state) for day in range(9))


def test_old_releases_are_removed_as_far_as_they_expire():
    observed = replace(serving(), releases=many(), current=many()[-1].id, containers=())
    newest = make_release("20261130-100000-aaaaaaa")
    gone = [one.id for one in many()[:5]]
    assert named(plan(None, observed, release=newest), "prune").do == ("prune", *gone)


def test_what_expires_is_removed_and_not_stopped_first():
    observed = replace(serving(), releases=many(), containers=make_containers(many()[0].id, web=1))
    newest = make_release("20261130-100000-aaaaaaa")
    some = plan(None, observed, release=newest)
    assert named(some, "prune").title == "remove 5 old"
    assert "retire" not in keys(some)


def test_what_served_is_stopped_and_kept():
    step = named(plan(), "retire")
    assert step.do == ("retire", OLD.id, "30", "web")
    assert step.title == f"stop {OLD.id} in 30 s (goes on by itself)"


def test_what_was_replaced_stays_warm_without_its_workers():
    warm = replace(WORKING, policies=Policies(warm_minutes=10))
    step = named(plan(warm, replace(WARM, containers=make_containers(OLD.id, web=1, worker=1))), "retire")
    assert step.do == ("retire", OLD.id, "600", "web", "api")


def test_a_second_warm_release_gives_way():
    assert named(plan(WORKING, WARM), f"retire-{OLDER.id}").do == ("retire", OLDER.id, "0")


@pytest.mark.parametrize(("seconds", "expected"), [(10, []), (0, [f"retire-{OLDER.id}"]), (-5, [f"retire-{OLDER.id}"])])
def test_tidying_leaves_what_is_still_warm(seconds: int, expected: list[str]):
    seen = replace(WARM, retiring={OLDER.id: seconds})
    tidy = ComposeEngine(WORKING).tidy(make_change(WORKING, seen, release=OLD, is_new=False))
    assert [step.key for step in tidy.steps() if step.key.startswith("retire")] == expected


def test_the_stack_is_never_stopped():
    observed = replace(serving(), containers=(*serving().containers, *make_containers("", proxy=1, postgres=1)))
    assert named(plan(None, observed), "retire").do == ("retire", OLD.id, "30", "web")


@pytest.mark.parametrize(
    ("proxy", "is_sandbox", "expected"),
    [
        (Proxy(http_port=8080), False, ("http://127.0.0.1:8080/health",)),
        (
            Proxy(domains=("api.example.com",)),
            False,
            ("--resolve", "api.example.com:443:127.0.0.1", "https://api.example.com:443/health"),
        ),
        (
            Proxy(domains=("api.example.com", "b.example.com"), https_port=8443),
            True,
            ("--resolve", "api.example.com:8443:127.0.0.1", "--insecure", "https://api.example.com:8443/health"),
        ),
    ],
)
def test_the_proxy_is_asked_as_a_client_would(proxy: Proxy, is_sandbox: bool, expected: tuple[str, ...]):
    environment = make_environment(stack=Stack(proxy=proxy), sandbox=is_sandbox)
    assert through_proxy(environment) == expected


def test_every_script_knows_folder_and_project():
    assert ComposeEngine(make_environment()).variables() == {
        "BASE": "/srv/shop/production",
        "PROJECT": "shop-production",
    }


def test_a_new_release_is_watched_behind_the_switch_and_named_current_if_it_is_not_worse():
    chosen = replace(make_environment(), policies=Policies(bake_seconds=30, bake_slowdown=1.5))
    found = plan(chosen)
    after = keys(found)
    assert after[after.index("verify") :][:3] == ["verify", "bake", "current"]
    assert named(found, "bake").do == ("bake", RELEASE.id, OLD.id, "30", "1", "1.5", "/health", *through_proxy(chosen))
    assert not named(found, "bake").final
    assert named(found, "bake").timeout_seconds > 30


def test_every_host_is_watched_before_the_next_ones_begin():
    chosen = replace(make_environment(hosts={"app1": APP1, "app2": APP2}), policies=Policies(bake_seconds=30))
    found = plan(chosen, serving(), replace(serving(), host="app2"))
    order = [(step.host, step.key) for step in found.steps() if step.key in ("start", "bake")]
    assert order == [("app1", "start"), ("app1", "bake"), ("app2", "start"), ("app2", "bake")]


@pytest.mark.parametrize("why", ["not wanted", "nothing served before", "an older release comes back"])
def test_a_release_is_not_watched_where_there_is_nothing_to_judge_by(why: str):
    policies = Policies(bake_seconds=0 if why == "not wanted" else 30)
    seen = FIRST if why == "nothing served before" else serving()
    is_new = why != "an older release comes back"
    assert "bake" not in keys(plan(replace(make_environment(), policies=policies), seen, is_new=is_new))
