"""The releases of all hosts, as one list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..commands import host as words
from ..errors import UsageError
from ..model.release import Release, newest_first
from ..remote import Remote, on_hosts
from ..scripts import run_script
from ..session import Session
from .look import observe

LAST_LETTERS = 4000


@dataclass(frozen=True)
class Listed:
    """A release, the hosts that have it, and those it serves on."""

    release: Release
    hosts: tuple[str, ...]
    serves_on: tuple[str, ...]


@dataclass(frozen=True)
class Detail:
    """A release, and the end of what its migrations printed, by host."""

    listed: Listed
    migrations: Mapping[str, str]


def list_releases(session: Session) -> tuple[Listed, ...]:
    """Every release of every host, newest first."""
    observed = observe(session)
    every = {release.id: release for one in observed.values() for release in one.releases}
    return tuple(
        Listed(
            release,
            tuple(name for name, one in observed.items() if one.release(release.id)),
            tuple(name for name, one in observed.items() if one.serving() == release.id),
        )
        for release in newest_first(every.values())
    )


def detail(session: Session, wanted: str) -> Detail:
    """All that is kept of one release. Raise UsageError if no host has it."""
    every = list_releases(session)
    listed = next((one for one in every if one.release.id == wanted), None)
    if listed is None:
        known = ", ".join(one.release.id for one in every) or "none"
        raise UsageError(f"{wanted}: no such release; there are: {known}")
    calls = [words.in_section("migrations", words.migrations_of(listed.release.id))]

    def read(remote: Remote) -> str:
        text = run_script(remote, calls, session.engine.variables(), timeout_seconds=30).sections()["migrations"][1]
        return text[-LAST_LETTERS:]

    found = on_hosts(tuple(session.remotes[name] for name in listed.hosts), read, at_once=len(listed.hosts))
    return Detail(listed, {host.name: text for host, text in found.items() if text})
