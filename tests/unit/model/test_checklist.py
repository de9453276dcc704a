from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrowth_ops.model.check import Check
from autogrowth_ops.model.checklist import (
    ITEMS,
    BackupState,
    LogState,
    Result,
    Seen,
    counts,
    drift,
    judge,
)
from autogrowth_ops.model.environment import Postgres, Redis, Service, Stack
from autogrowth_ops.model.observation import Observation
from tests.fakes import NOON, make_containers, make_environment, make_release

RELEASE = make_release(image_id="sha256:1")
OTHER = make_release("20261123-100000-bbbbbbb")
STACK = Stack(postgres=Postgres(database="shop", user="shop"), redis=Redis())
ENVIRONMENT = make_environment(services={"web": Service(port=8000, replicas=2)}, stack=STACK)
SERVING = Observation("app1", current=RELEASE.id, releases=(RELEASE,), containers=make_containers(RELEASE.id, web=2))
IMAGES = {one.id: "sha256:1" for one in SERVING.containers}
GOOD = Seen(
    host="app1",
    is_app=True,
    is_data=True,
    now=NOON,
    system={"cpu_percent": 12, "memory_percent": 40, "disk_percent": 50, "inode_percent": 3},
    health=(
        Check("app1", "api", "passed", "200", 12),
        Check("app1", "replica:web-1", "passed", "200", 3),
        Check("app1", "replica:web-2", "passed", "200", 3),
        Check("app1", "postgres", "passed", "412", 40),
        Check("app1", "redis", "passed", "PONG", 5),
    ),
    logs=(LogState("web-1", 2**20, 900, 0),),
    backups=(BackupState("/b", 2**30, NOON.timestamp() - 3600),),
    observed=SERVING,
    image_ids=IMAGES,
)
NOTHING = Seen(host="app1", is_app=True, is_data=True, now=NOON)


def judged(seen: Seen) -> dict[str, Result]:
    return {result.item: result for result in judge(seen, ENVIRONMENT)}


def without(name: str) -> Seen:
    return replace(GOOD, health=tuple(check for check in GOOD.health if check.name != name))


def with_check(changed: Check) -> Seen:
    others = tuple(check for check in GOOD.health if check.name != changed.name)
    return replace(GOOD, health=(*others, changed))


def test_a_host_in_order_passes_every_item():
    assert counts(judge(GOOD, ENVIRONMENT)) == {"passed": len(ITEMS), "warning": 0, "failed": 0}


def test_results_come_in_the_order_of_the_items():
    assert [result.item for result in judge(GOOD, ENVIRONMENT)] == [item.name for item in ITEMS]


def test_what_was_not_looked_at_never_passes():
    assert {result.verdict for result in judge(NOTHING, ENVIRONMENT)} == {"failed"}


PARTS = ("system", "health", "logs", "backups", "observed", "image_ids")


@given(st.sets(st.sampled_from(PARTS)))
def test_reading_less_never_makes_an_item_pass(hidden: set[str]):
    worse = replace(GOOD, **{part: getattr(NOTHING, part) for part in hidden})
    bad = with_check(Check("app1", "api", "failed", "502", 4))
    results = {result.item: result.verdict for result in judge(replace(worse, health=bad.health), ENVIRONMENT)}
    assert results["api"] == "failed"
    assert len(results) == len(ITEMS)


@pytest.mark.parametrize(
    ("key", "item", "limit"),
    [
        ("cpu_percent", "cpu", 80),
        ("memory_percent", "memory", 80),
        ("disk_percent", "disk", 90),
        ("inode_percent", "inodes", 90),
    ],
)
def test_shares_warn_above_their_limit_only(key: str, item: str, limit: int):
    at, above = (judged(replace(GOOD, system={**GOOD.system, key: limit + more})) for more in (0, 1))
    assert (at[item].verdict, above[item].verdict) == ("passed", "warning")
    assert (above[item].value, above[item].limit) == (f"{limit + 1} %", f"{limit} %")


@pytest.mark.parametrize(
    ("check", "verdict", "value"),
    [
        (Check("app1", "api", "passed", "200", 2000), "passed", "2000 ms"),
        (Check("app1", "api", "passed", "200", 2001), "warning", "2001 ms"),
        (Check("app1", "api", "failed", "502 bad gateway", 3), "failed", "502 bad gateway"),
        (Check("app1", "api", "passed", "200", None), "failed", "not read"),
    ],
)
def test_the_api_is_judged_by_answer_and_time(check: Check, verdict: str, value: str):
    result = judged(with_check(check))["api"]
    assert (result.verdict, result.value) == (verdict, value)


@pytest.mark.parametrize("name", ["api", "postgres", "redis"])
def test_a_check_that_was_not_made_fails(name: str):
    assert judged(without(name))[name].verdict == "failed"


def test_a_missing_replica_fails():
    result = judged(without("replica:web-2"))["replicas"]
    assert (result.verdict, result.value, result.limit) == ("failed", "1", "2")


def test_one_bad_replica_beside_enough_good_ones_fails():
    assert judged(with_check(Check("app1", "replica:web-3", "failed", "exited")))["replicas"].verdict == "failed"


def test_a_datastore_that_fails_says_why():
    result = judged(with_check(Check("app1", "redis", "failed", "NOAUTH", 5)))["redis"]
    assert (result.verdict, result.value) == ("failed", "NOAUTH")


def test_error_lines_warn_and_name_the_worst_container():
    logs = (LogState("web-1", 100, 9, 1), LogState("web-2", 100, 9, 3))
    result = judged(replace(GOOD, logs=logs))["logs"]
    assert (result.verdict, result.value) == ("warning", "200 B, 4 error lines, most in web-2")


def test_too_much_log_warns():
    assert judged(replace(GOOD, logs=(LogState("web-1", 101 * 2**20, 9, 0),)))["logs"].verdict == "warning"


@pytest.mark.parametrize("logs", [None, ()])
def test_logs_that_were_not_read_fail(logs: tuple[LogState, ...] | None):
    assert judged(replace(GOOD, logs=logs))["logs"].verdict == "failed"


@pytest.mark.parametrize(
    ("backups", "verdict"),
    [
        (None, "failed"),
        ((), "failed"),
        ((BackupState("/b", 100, NOON.timestamp() - 26 * 3600),), "passed"),
        ((BackupState("/b", 100, NOON.timestamp() - 26 * 3600 - 1),), "failed"),
        ((BackupState("/b", 0, NOON.timestamp()),), "failed"),
    ],
)
def test_backups_are_young_and_not_empty(backups: tuple[BackupState, ...] | None, verdict: str):
    assert judged(replace(GOOD, backups=backups))["backups"].verdict == verdict


def test_a_data_host_is_asked_nothing_about_the_application():
    items = judged(replace(GOOD, is_app=False))
    assert not {"api", "replicas", "release"} & set(items)


def test_an_app_host_is_asked_nothing_about_datastores():
    items = judged(replace(GOOD, is_data=False))
    assert not {"postgres", "redis", "backups"} & set(items)


def test_an_environment_without_datastores_and_public_service_has_fewer_items():
    environment = make_environment(services={"worker": Service()})
    assert not {"api", "postgres", "redis", "backups"} & {one.item for one in judge(GOOD, environment)}


def test_a_release_that_runs_as_recorded_is_named():
    assert judged(GOOD)["release"].value == RELEASE.id


def test_drift_fails_and_says_how():
    seen = replace(GOOD, observed=replace(SERVING, containers=make_containers(RELEASE.id, web=1)))
    result = judged(seen)["release"]
    assert (result.verdict, result.value) == ("failed", "web: 1 of 2 run")


@pytest.mark.parametrize(
    ("observed", "images", "expected"),
    [
        (SERVING, IMAGES, ()),
        (Observation("app1"), {}, ("no release serves",)),
        (replace(SERVING, releases=()), {}, (f"{RELEASE.id} has no record",)),
        (
            replace(SERVING, releases=(OTHER, RELEASE), current=OTHER.id, proxied=RELEASE.id),
            IMAGES,
            (f"current names {OTHER.id}, the proxy serves {RELEASE.id}",),
        ),
        (replace(SERVING, containers=()), {}, ("web: 0 of 2 run",)),
        (
            replace(SERVING, containers=(*SERVING.containers, *make_containers(OTHER.id, web=1))),
            IMAGES,
            (f"{OTHER.id} runs beside it",),
        ),
        (
            SERVING,
            {**IMAGES, SERVING.containers[0].id: "sha256:2"},
            (f"{SERVING.containers[0].label} runs another image than recorded",),
        ),
    ],
)
def test_drift_lists_every_difference(observed: Observation, images: dict[str, str], expected: tuple[str, ...]):
    assert drift(observed, ENVIRONMENT, images) == expected


def test_an_image_that_was_never_recorded_is_no_drift():
    unknown = replace(SERVING, releases=(replace(RELEASE, image_id=""),))
    assert drift(unknown, ENVIRONMENT, dict.fromkeys(IMAGES, "sha256:9")) == ()


def test_every_item_has_a_title_in_both_languages():
    assert all(item.titles["en"] and item.titles["ko"] for item in ITEMS)


KOREAN = replace(ENVIRONMENT, language="ko")
WORSE = replace(
    GOOD,
    logs=(LogState("web-1", 100, 9, 3),),
    observed=replace(SERVING, containers=make_containers(RELEASE.id, web=1)),
)


@pytest.mark.parametrize(
    ("seen", "item", "value", "limit"),
    [
        (NOTHING, "cpu", "읽지 못함", ""),
        (GOOD, "logs", "1 MiB, 오류 줄 0개", "하루 100 MiB, 오류 줄 0개"),
        (WORSE, "logs", "100 B, 오류 줄 3개, 가장 많은 곳 web-1", "하루 100 MiB, 오류 줄 0개"),
        (GOOD, "backups", "1개, 최신 1 GiB, 1.0시간 전", "26시간 이내, 비어 있지 않음"),
        (replace(GOOD, backups=()), "backups", "없음", "26시간"),
        (GOOD, "release", RELEASE.id, "기록과 일치"),
        (WORSE, "release", "web: 2개 중 1개 실행 중", "기록과 일치"),
    ],
)
def test_values_and_limits_are_read_in_korean(seen: Seen, item: str, value: str, limit: str):
    found = {result.item: result for result in judge(seen, KOREAN)}[item]
    assert (found.value, found.limit) == (value, limit)
