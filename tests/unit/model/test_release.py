from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrowth_ops.model.release import (
    ID_PATTERN,
    Release,
    Version,
    container_label,
    expired,
    find,
    newest_first,
    parse_release,
    release_id,
    rollback_target,
    shared,
)
from tests.fakes import make_release

OLD, MIDDLE, NEW = (make_release(f"20261123-{hour}0000-aaaaaaa") for hour in (10, 11, 12))
SEOUL = timezone(timedelta(hours=9))
VERSION = Version("0123456789abcdef0123456789abcdef01234567", "tree")

releases = st.lists(
    st.builds(
        lambda second, state: make_release(f"20261123-1100{second:02d}-aaaaaaa", state=state),
        st.integers(0, 59),
        st.sampled_from(["started", "good", "bad"]),
    ),
    unique_by=lambda release: release.id,
)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(SEOUL)), st.booleans())
def test_every_id_has_the_shape_that_tells_it_from_a_git_ref(now: datetime, is_dirty: bool):
    assert ID_PATTERN.match(release_id(now, replace(VERSION, is_dirty=is_dirty)))


def test_an_id_is_utc_time_and_short_commit():
    assert release_id(datetime(2026, 11, 23, 20, 15, 1, tzinfo=SEOUL), VERSION) == "20261123-111501-0123456"


def test_the_id_of_uncommitted_source_says_so():
    dirty = replace(VERSION, is_dirty=True)
    assert release_id(datetime(2026, 1, 2, tzinfo=timezone.utc), dirty) == "20260102-000000-0123456-dirty"


def test_a_record_is_read_back_as_it_was_written():
    release = replace(NEW, reason='said "no"\n한국어', timings={"build": 391})
    assert parse_release(release.to_json()) == release


def test_a_record_is_one_line():
    assert "\n" not in replace(NEW, reason="a\nb").to_json()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"x"', '{"version": {}}', '{"version": 3}'])
def test_anything_else_is_no_record(text: str):
    with pytest.raises(ValueError, match="not a release record"):
        parse_release(text)


def test_a_record_with_an_unknown_key_is_refused():
    raw = {**json.loads(NEW.to_json()), "colour": "blue"}
    with pytest.raises(ValueError, match="colour"):
        parse_release(json.dumps(raw))


def test_releases_with_equal_hashes_are_the_same():
    assert NEW.is_same_as(replace(NEW, created_by="lee", state="bad"))


@pytest.mark.parametrize("key", ["build_hash", "config_hash"])
def test_another_hash_makes_another_release(key: str):
    assert not NEW.is_same_as(replace(NEW, **{key: "other"}))


def test_a_shared_release_is_good_on_every_host():
    assert shared([[OLD, MIDDLE, NEW], [replace(MIDDLE, state="bad"), NEW, OLD], [NEW, OLD]]) == (OLD, NEW)


def test_all_good_releases_of_one_host_are_shared():
    assert shared([[OLD, replace(NEW, state="bad")]]) == (OLD,)


def test_rollback_goes_to_the_newest_before_the_current_one():
    assert rollback_target([OLD, NEW, MIDDLE], NEW.id) == MIDDLE


@pytest.mark.parametrize("state", ["bad", "started"])
def test_rollback_skips_a_release_that_is_not_good(state: str):
    assert rollback_target([OLD, replace(MIDDLE, state=state), NEW], NEW.id) == OLD


def test_rollback_never_goes_forward():
    assert rollback_target([MIDDLE, NEW], MIDDLE.id) is None


@given(releases, st.data())
def test_a_rollback_target_is_good_older_and_the_newest_such(every: list[Release], data: st.DataObject):
    current = data.draw(st.sampled_from([*every, NEW])).id
    target = rollback_target(every, current)
    fitting = [release for release in every if release.state == "good" and release.id < current]
    assert target == max(fitting, key=lambda release: release.id, default=None)


def left(every: list[Release], keep: int) -> list[Release]:
    """What stays, newest first."""
    gone = expired(every, [], keep)
    return [release for release in newest_first(every) if release not in gone]


@given(releases, st.integers(2, 10), st.data())
def test_what_serves_never_expires(every: list[Release], keep: int, data: st.DataObject):
    ids = [release.id for release in every]
    serving = data.draw(st.lists(st.sampled_from(ids))) if ids else []
    assert not {release.id for release in expired(every, serving, keep)} & set(serving)


@given(releases, st.integers(2, 10))
def test_as_many_good_releases_stay_as_are_to_be_kept(every: list[Release], keep: int):
    good = [release for release in newest_first(every) if release.state == "good"]
    assert [release for release in left(every, keep) if release.state == "good"] == good[:keep]


@given(releases, st.integers(2, 10))
def test_at_most_as_many_failed_releases_stay(every: list[Release], keep: int):
    assert len([release for release in left(every, keep) if release.state != "good"]) <= keep


@given(releases, st.integers(2, 10))
def test_expired_releases_come_oldest_first(every: list[Release], keep: int):
    gone = expired(every, [], keep)
    assert list(gone) == sorted(gone, key=lambda release: release.id)


@given(releases, st.integers(2, 10))
def test_what_is_behind_an_expiry_does_not_expire_again(every: list[Release], keep: int):
    assert expired(left(every, keep), [], keep) == ()


def test_a_release_is_found_by_its_id():
    assert find([OLD, NEW], NEW.id) == NEW


def test_a_release_that_is_not_there_is_not_found():
    assert find([OLD], NEW.id) is None


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("shop-production-20261123-110000-aaaaaaa-web-1", "web-1"),
        ("shop-production-20261123-110000-aaaaaaa-dirty-order-worker-2", "order-worker-2"),
        ("my-shop-production-postgres-1", "postgres-1"),
        ("alone", "alone"),
    ],
)
def test_a_container_is_called_by_service_and_number(name: str, label: str):
    assert container_label(name) == label
