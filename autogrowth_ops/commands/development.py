"""Words for the development environment on this machine, and the parsers of what they print."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..model.plan import Command

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"


@dataclass(frozen=True)
class Compose:
    """Docker Compose on one project: `program` begins each command, paths in `file` are seen from `root`."""

    program: Command
    project: str
    root: str
    file: str

    def words(self, *words: str) -> Command:
        """One Compose command."""
        where = ("--project-name", self.project, "--project-directory", self.root, "--file", self.file)
        return ("env", "DOCKER_BUILDKIT=1", "BUILDKIT_PROGRESS=plain", *self.program, "--ansi=never", *where, *words)


@dataclass(frozen=True)
class Running:
    """One container of the project; `status` is Docker's own sentence, `ports` those it has on this machine."""

    service: str
    state: str
    status: str
    ports: tuple[int, ...]


def containers(project: str) -> Command:
    """List the project's containers."""
    return ("docker", "ps", "--all", "--filter", f"label={PROJECT_LABEL}={project}", "--format", "{{json .}}")


def parse_containers(stdout: str) -> tuple[Running, ...]:
    """One JSON object per line -> containers, by service."""
    rows = [json.loads(line) for line in stdout.splitlines() if line.startswith("{")]
    return tuple(sorted(map(_running, rows), key=lambda one: one.service))


def _running(row: dict[str, str]) -> Running:
    found = re.search(rf"(?:^|,){re.escape(SERVICE_LABEL)}=([^,]*)", row["Labels"])
    ports = tuple(sorted({int(port) for port in re.findall(r":(\d+)->", row["Ports"])}))
    return Running(found[1] if found else "", row["State"], row["Status"], ports)


def publishers(port: int) -> Command:
    """List the containers that publish a port, by name."""
    return ("docker", "ps", "--filter", f"publish={port}", "--format", "{{.Names}}")


def down(compose: Compose, *options: str) -> Command:
    """Remove what carries the project's name; its file is not needed for that, and may be gone."""
    return ("env", *compose.program, "--ansi=never", "--project-name", compose.project, "down", *options)


def postgres_is_ready(compose: Compose) -> Command:
    """Ask Postgres whether it takes connections; over TCP, because while it is being set up it only has a socket."""
    return compose.words("exec", "--no-TTY", "postgres", "pg_isready", "--quiet", "--host=127.0.0.1")


def logs(compose: Compose, services: Sequence[str], lines: int) -> Command:
    """The last lines of some services."""
    return compose.words("logs", "--no-color", "--tail", str(lines), *services)


def is_rootless() -> Command:
    """Ask the engine how it is secured; `name=rootless` stands in the answer where it runs without root."""
    return ("docker", "info", "--format", "{{.SecurityOptions}}")
