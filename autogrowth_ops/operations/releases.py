"""The releases of all hosts, as one list."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.release import Release, newest_first
from ..session import Session
from .asking import Missing
from .look import look


@dataclass(frozen=True)
class Listed:
    """A release, the hosts that have it, and those it serves on."""

    release: Release
    hosts: tuple[str, ...]
    serves_on: tuple[str, ...]


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
