"""What runs where: release, containers, since when, restarts, limits. One trip a host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..commands import frames
from ..commands import host as words
from ..model.observation import Container, Lock, Observation
from ..model.release import Release
from ..remote import Remote
from ..scripts import run_script
from ..session import Session
from .asking import Missing, ask_any
from .look import refuse_without_docker


@dataclass(frozen=True)
class Running:
    """A container with what it may use: `memory_bytes` and `cpus` are 0 without a limit."""

    container: Container
    restarts: int
    memory_bytes: int
    cpus: float
    started_at: str
    is_oom_killed: bool
    image_id: str


@dataclass(frozen=True)
class HostStatus:
    """One host: what serves, what runs, who deploys."""

    host: str
    serving: Release | None
    containers: tuple[Running, ...]
    lock: Lock | None
    observed: Observation

    def kept(self) -> tuple[Running, ...]:
        """Stopped containers of releases that do not serve, kept for a rollback."""
        serving = self.serving.id if self.serving else ""
        others = [row for row in self.containers if row.container.release not in ("", serving)]
        return tuple(row for row in others if not row.container.is_running)


def status(session: Session) -> tuple[tuple[HostStatus, ...], Missing]:
    """Every host that answers, in declared order, and why the others do not. Raise HostError if none does,
    HostUnready for one whose Docker does not."""

    def look(remote: Remote) -> HostStatus:
        calls = [words.observe(), words.in_section("details", ("details",))]
        result = run_script(remote, calls, session.engine.variables(), timeout_seconds=60)
        found = frames.sections(result.blocks)
        observed = words.parse_observation(remote.host.name, found, session.clock.now().timestamp())
        refuse_without_docker(remote.host.name, observed.facts, session.environment)
        return host_status(observed, found["details"][1])

    found, missing = ask_any(session.remotes.values(), look)
    return tuple(found.values()), missing


def host_status(observed: Observation, details: str) -> HostStatus:
    """A host's status from its observation and what `details` printed."""
    by_id = {fields[0]: fields[1:] for line in details.splitlines() if len(fields := line.split()) == 7}
    rows = [_running(container, by_id[container.id]) for container in observed.containers if container.id in by_id]
    rows.sort(key=lambda row: (row.container.release != observed.serving(), row.container.release, row.container.name))
    return HostStatus(observed.host, observed.release(observed.serving()), tuple(rows), observed.lock, observed)


def _running(container: Container, fields: Sequence[str]) -> Running:
    restarts, memory, cpus, started, oom, image = fields
    return Running(container, int(restarts), int(memory), int(cpus) / 1e9, started, oom == "true", image)
