from __future__ import annotations

import pytest

from autogrowth_ops.model.observation import Lock, Observation
from tests.fakes import make_containers, make_release

OLD, NEW = make_release("20261123-100000-aaaaaaa"), make_release("20261123-110000-bbbbbbb")


def test_what_the_proxy_serves_counts_before_what_current_names():
    assert Observation("app1", current=OLD.id, releases=(OLD, NEW), proxied=NEW.id).serving() == NEW.id


@pytest.mark.parametrize("proxied", ["", "20261123-090000-ccccccc"])
def test_current_serves_where_the_proxy_names_no_known_release(proxied: str):
    assert Observation("app1", current=OLD.id, releases=(OLD,), proxied=proxied).serving() == OLD.id


def test_nothing_serves_on_a_new_host():
    assert Observation("app1").serving() is None


def test_the_current_release_is_the_record_current_names():
    assert Observation("app1", current=OLD.id, releases=(OLD, NEW)).current_release() == OLD


def test_a_current_without_record_has_no_release():
    assert Observation("app1", current=OLD.id).current_release() is None


def test_no_release_is_found_for_no_id():
    assert Observation("app1", releases=(OLD,)).release(None) is None


def test_running_counts_containers_by_service():
    containers = (*make_containers(NEW.id, web=2, worker=1), *make_containers(OLD.id, web=1))
    assert Observation("app1", containers=containers).running(NEW.id) == {"web": 2, "worker": 1}


def test_stopped_containers_do_not_count_as_running():
    assert Observation("app1", containers=make_containers(OLD.id, "exited", web=2)).running(OLD.id) == {}


def test_stopped_containers_are_there():
    assert Observation("app1", containers=make_containers(OLD.id, "exited", web=2)).has_containers(OLD.id)


def test_containers_of_another_release_are_not_there():
    assert not Observation("app1", containers=make_containers(OLD.id, web=2)).has_containers(NEW.id)


def test_a_lock_reads_as_a_sentence():
    lock = Lock("kim", "laptop", 4711, "2026-11-23T11:00:00Z", "deploy r1")
    assert str(lock) == "kim@laptop (pid 4711) since 2026-11-23T11:00:00Z: deploy r1"


def test_a_container_is_called_by_service_and_number():
    assert [container.label for container in make_containers(NEW.id, web=2)] == ["web-1", "web-2"]
