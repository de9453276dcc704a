"""The releases of all hosts, as one list."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.release import Release, newest_first
from ..session import Session
from .look import observe


@dataclass(frozen=True)
class Listed:
    """A release, the hosts that have it, and those it serves on."""

    release: Release
    hosts: tuple[str, ...]
    serves_on: tuple[str, ...]


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
