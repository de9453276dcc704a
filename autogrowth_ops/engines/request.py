"""What a plan is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..model.observation import Lock, Observation
from ..model.plan import RenderedFile, SourceChange
from ..model.release import Release, ReleaseId


@dataclass(frozen=True)
class Change:
    """A release to put live on hosts as observed.

    `files`, `stack` and `sources` are by host name; a host without an entry in `sources` gets no source, one without an
    entry in `stack` keeps its stack, one without an entry in `files` has the release already; `is_new` is false if all
    have. `stack_hashes` name the contents of `stack`."""

    release: Release
    lock: Lock
    observed: Mapping[str, Observation]
    is_new: bool
    files: Mapping[str, tuple[RenderedFile, ...]] = field(default_factory=dict)
    stack: Mapping[str, tuple[RenderedFile, ...]] = field(default_factory=dict)
    stack_hashes: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, SourceChange] = field(default_factory=dict)

    def old(self, host: str) -> ReleaseId | None:
        """The release that serves on the host now."""
        return self.observed[host].serving()
