"""What a server needs before it can be deployed to, and which of it is there. Pure: facts in, items out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from .plan import Command

TOOLS: Mapping[str, str] = {
    "engine": "Docker Engine",
    "compose": "Compose 2",
    "buildx": "buildx",
    "curl": "curl",
    "certificates": "ca-certificates",
    "tar": "tar",
    "restic": "restic",
    "logrotate": "logrotate",
}
JSON_FILE = "json-file"  # Docker's default; `local` rotates by itself, others keep their logs elsewhere
State = Literal["already", "missing", "changed"]


@dataclass(frozen=True)
class Wanted:
    """What a host is to have: who deploys, where, and how logs are rotated. `max_size` as Docker writes it."""

    user: str
    folder: str
    rotation_file: str
    rotation: str
    max_size: str
    files: int


@dataclass(frozen=True)
class Machine:
    """A host as it was found; `folder` is its owner and mode ("deploy 750"), empty if it is not there."""

    login: str
    system: str
    is_debian: bool
    can_be_root: bool
    tools: tuple[str, ...] = ()
    has_user: bool = False
    group: str = ""
    has_keys: bool = False
    is_in_docker_group: bool = False
    starts_at_boot: bool = False
    docker_answers: bool = False
    folder: str = ""
    is_in_swarm: bool = False
    daemon: str = ""
    rotation: str = ""

    def lacking(self) -> tuple[str, ...]:
        """Names of the tools that are not installed."""
        return tuple(name for name in TOOLS if name not in self.tools)


@dataclass(frozen=True)
class Item:
    """One thing a host needs. `do` has it made; `note` says what a person should know about it."""

    key: str
    title: str
    state: State
    do: Command
    timeout_seconds: int = 60
    note: str = ""


def items(machine: Machine, wanted: Wanted) -> tuple[Item, ...]:
    """Everything a host needs, in the order it is made. Raise ValueError if its daemon.json cannot be read."""
    return tuple(_items(machine, wanted))


def _items(machine: Machine, wanted: Wanted) -> Iterator[Item]:
    user = wanted.user
    keys = "" if machine.login == user else f", opened by the keys of {machine.login}"
    yield _item("user", f"user {user}{keys}", machine.has_user and machine.has_keys, ("make_user", user))
    is_own = machine.folder == f"{user} 750"
    yield _item("folder", f"{wanted.folder}, owned by {user}", is_own, ("make_folder", user), 600)
    daemon = with_log_rotation(machine.daemon, wanted.max_size, wanted.files)
    daemon = daemon if machine.is_in_swarm else with_live_restore(daemon)
    configure = ("configure_docker", machine.daemon, daemon)
    yield _item(
        "daemon",
        "Docker rotates logs, and its restart leaves containers running",
        daemon == machine.daemon,
        configure,
        120,
    )
    lacking = machine.lacking()
    titles = ", ".join(TOOLS[name] for name in lacking or TOOLS)
    yield _item("packages", titles, not lacking, ("install_packages", *lacking), 1800)
    runs = machine.starts_at_boot and machine.docker_answers
    yield _item("start", "Docker runs, and starts at boot", runs, ("start_docker",), 120)
    yield _item("group", f"user {user} may use Docker", machine.is_in_docker_group, ("allow_docker", user))
    is_rotated = machine.rotation.strip() == wanted.rotation.strip()
    write = ("write_file", wanted.rotation_file, "0644", wanted.rotation.rstrip("\n"))
    yield _item("rotation", "audit.jsonl is rotated", is_rotated, write)


def with_live_restore(text: str) -> str:
    """daemon.json with containers that go on running while Docker restarts, unless it says itself whether they do.

    An upgrade of the engine is no outage then. A swarm refuses the setting.
    Source: https://docs.docker.com/engine/daemon/live-restore/"""
    found = json.loads(text) if text.strip() else {}
    return text if "live-restore" in found else json.dumps({**found, "live-restore": True}, indent=2)


def _item(key: str, title: str, is_there: bool, do: Command, timeout_seconds: int = 60) -> Item:  # noqa: FBT001
    return Item(key, title, "already" if is_there else "missing", do, timeout_seconds)


def with_log_rotation(text: str, max_size: str, files: int) -> str:
    """daemon.json with a limit for the logs of containers that have none of their own; every other key as it was.

    A log driver or limits of the host's own stay. Raise ValueError unless `text` is empty or such a file."""
    found = json.loads(text) if text.strip() else {}
    if not isinstance(found, dict):
        raise ValueError("should be a JSON object")
    options = found.get("log-opts", {})
    if not isinstance(options, dict):
        raise ValueError("log-opts should be a JSON object")
    if found.get("log-driver", JSON_FILE) != JSON_FILE or "max-size" in options:
        return text
    limits = {"max-size": max_size, "max-file": str(files)}
    return json.dumps({"log-driver": JSON_FILE, **found, "log-opts": {**limits, **options}}, indent=2)
