"""What a server needs before it can be deployed to."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from autogrowth_ops.model.readiness import TOOLS, Machine, Wanted, items, with_live_restore, with_log_rotation

WANTED = Wanted("deploy", "/srv/shop/production", "/etc/logrotate.d/shop-production", "rotated\n", "20m", 5)
BARE = Machine("root", "Debian GNU/Linux 13 (trixie)", is_debian=True, can_be_root=True)
READY = replace(
    BARE,
    login="deploy",
    tools=tuple(TOOLS),
    has_user=True,
    group="deploy",
    has_keys=True,
    is_in_docker_group=True,
    starts_at_boot=True,
    docker_answers=True,
    folder="deploy 750",
    daemon=with_live_restore(with_log_rotation("", "20m", 5)),
    rotation="rotated",
)


def missing(machine: Machine) -> list[str]:
    return [item.key for item in items(machine, WANTED) if item.state == "missing"]


def test_a_bare_server_needs_everything_in_the_order_it_is_made():
    assert missing(BARE) == ["user", "folder", "daemon", "packages", "start", "group", "rotation"]


def test_a_ready_server_needs_nothing():
    assert missing(READY) == []


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"has_keys": False}, "user"),
        ({"folder": "root 750"}, "folder"),
        ({"folder": "deploy 755"}, "folder"),
        ({"daemon": ""}, "daemon"),
        ({"tools": ("engine", "curl")}, "packages"),
        ({"docker_answers": False}, "start"),
        ({"starts_at_boot": False}, "start"),
        ({"is_in_docker_group": False}, "group"),
        ({"rotation": "another"}, "rotation"),
    ],
)
def test_one_thing_that_is_missing_is_the_only_one_to_be_made(change: dict[str, object], key: str):
    assert missing(replace(READY, **change)) == [key]  # type: ignore[arg-type]


def test_only_packages_that_are_missing_are_asked_for():
    found = {item.key: item for item in items(replace(READY, tools=tuple(TOOLS)[2:]), WANTED)}
    assert found["packages"].do == ("install_packages", "engine", "compose")
    assert found["packages"].title == "Docker Engine, Compose 2"


@pytest.mark.parametrize(
    "text",
    [
        '{"log-driver": "journald"}',
        '{"log-opts": {"max-size": "1g"}}',
        '{"log-driver": "local"}',
    ],
)
def test_log_settings_of_the_hosts_own_stay(text: str):
    assert with_log_rotation(text, "20m", 5) == text


@pytest.mark.parametrize("text", ['{"live-restore": false}', '{"live-restore": true}'])
def test_a_host_that_says_itself_what_a_restart_does_is_left_as_it_is(text: str):
    assert with_live_restore(text) == text


def test_a_swarm_gets_no_live_restore():
    swarm = replace(READY, is_in_swarm=True, daemon=with_log_rotation("", "20m", 5))
    assert missing(swarm) == []


def test_other_settings_of_docker_stay():
    found = json.loads(with_log_rotation('{"data-root": "/big", "log-opts": {"tag": "x"}}', "20m", 5))
    assert found == {
        "log-driver": "json-file",
        "data-root": "/big",
        "log-opts": {"max-size": "20m", "max-file": "5", "tag": "x"},
    }


@pytest.mark.parametrize("text", ["{,", "[]", '"text"', '{"log-opts": []}'])
def test_a_daemon_json_that_docker_cannot_read_is_refused(text: str):
    with pytest.raises(ValueError):
        with_log_rotation(text, "20m", 5)
