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
from .asking import Missing
from .look import look

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


def list_releases(session: Session) -> tuple[tuple[Listed, ...], Missing]:
    """Every release of the hosts that answer, newest first, and why the others do not. Raise HostError if none does.

    Where hosts do not agree on a release, it is as one has it on which it serves."""
    observed, missing = look(session)
    every = {release.id: release for one in observed.values() for release in one.releases}
    every |= {serving.id: serving for one in observed.values() if (serving := one.release(one.serving()))}
    listed = tuple(
        Listed(
            release,
            tuple(name for name, one in observed.items() if one.release(release.id)),
            tuple(name for name, one in observed.items() if one.serving() == release.id),
        )
        for release in newest_first(every.values())
    )
    return listed, missing


def detail(session: Session, wanted: str) -> Detail:
    """All that is kept of one release. Raise UsageError if no host has it."""
    every, _ = list_releases(session)
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
