"""Words for the functions of `setup.sh`, and the parser of what it finds on a host."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from ..model.plan import Command
from ..model.readiness import Machine

NO_SOURCES = 31
NO_PACKAGE = 32
DAEMON = "/etc/docker/daemon.json"


@cache
def functions() -> Command:
    """Define the functions of `setup.sh`; goes before every call of one."""
    text = files("autogrowth_ops.commands").joinpath("setup.sh").read_text(encoding="utf-8")
    return ("eval", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))


def look(user: str, rotation_file: str) -> tuple[Command, ...]:
    """Read what a host has of what `user` needs there; changes nothing."""
    return (
        functions(),
        ("section", "machine", "machine", user),
        ("section", "daemon", "show_root", DAEMON),
        ("section", "rotation", "show_root", rotation_file),
    )


def parse_machine(found: Mapping[str, tuple[int, str]]) -> Machine:
    """The machine from the sections that `look` printed."""
    lines = found["machine"][1].splitlines()
    seen = dict(line.split("=", 1) for line in lines if "=" in line)
    return Machine(
        login=seen.get("login", ""),
        system=seen.get("system", "an unknown system"),
        is_debian="has_apt" in seen and bool({"debian", "ubuntu"} & set(seen.get("family", "").split())),
        can_be_root=seen.get("root_by") in ("itself", "sudo"),
        tools=tuple(line[5:] for line in lines if line.startswith("tool=")),
        has_user="user" in seen,
        group=seen.get("group", ""),
        has_keys="has_keys" in seen,
        is_in_docker_group="in_docker_group" in seen,
        starts_at_boot="starts_at_boot" in seen,
        docker_answers="docker_answers" in seen,
        folder=seen.get("folder", ""),
        is_in_swarm=seen.get("swarm", "inactive") not in ("", "inactive"),
        daemon=found["daemon"][1],
        rotation=found["rotation"][1],
    )
