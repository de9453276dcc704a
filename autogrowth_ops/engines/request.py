"""What a plan is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..model.environment import Migrate
from ..model.observation import Lock, Observation
from ..model.plan import RenderedFile, SourceChange
from ..model.release import Release, ReleaseId, have_same_migrations


@dataclass(frozen=True)
class Change:
    """A release to put live on hosts as observed.

    `files`, `stack`, `sources`, `passwords` and `renewed` are by host name; a host without an entry in `sources` gets
    no source, one without an entry in `stack` keeps its stack, one without an entry in `files` has the release already;
    `is_new` is false if all have. `stack_hashes` name the contents of `stack`. `passwords` has the verifiers that the
    host's datastores are to be given; `renewed`, for a release that has old passwords, the id of one with the present
    ones and the names of the variables that have them."""

    release: Release
    lock: Lock
    observed: Mapping[str, Observation]
    is_new: bool
    files: Mapping[str, tuple[RenderedFile, ...]] = field(default_factory=dict)
    stack: Mapping[str, tuple[RenderedFile, ...]] = field(default_factory=dict)
    stack_hashes: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, SourceChange] = field(default_factory=dict)
    passwords: Mapping[str, tuple[RenderedFile, ...]] = field(default_factory=dict)
    renewed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def old(self, host: str) -> ReleaseId | None:
        """The release that serves on the host now."""
        return self.observed[host].serving()

    def old_release(self, host: str) -> Release | None:
        """The record of the release that serves on the host now."""
        return self.observed[host].release(self.old(host))

    def left_behind(self, migrate: Migrate | None) -> Release | None:
        """The serving release whose migrations an older one does not know, so that it goes back over them; else None.

        Where no record says which migrations there were, they count as others."""
        serving = [one for one in map(self.old_release, self.observed) if one]
        newest = max(serving, key=lambda one: one.id, default=None)
        if newest is None or self.is_new or newest.id <= self.release.id or have_same_migrations(newest, self.release):
            return None
        return newest if migrate or newest.migration_hash or self.release.migration_hash else None
