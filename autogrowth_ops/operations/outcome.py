"""A deploy or rollback before and after it was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..engines.request import Change
from ..model.plan import Plan
from ..model.release import Release, ReleaseId


@dataclass(frozen=True)
class Prepared:
    """A deploy before anything was changed: what would be done, from what was seen.

    A person has to agree to what `warning` says; empty if there is nothing to warn of."""

    change: Change
    plan: Plan
    is_needed: bool
    warning: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a deploy or rollback did. `was` is what served before; `changed` false means that nothing had to be done;
    `seconds` from the command's begin; `timings` are milliseconds by host and step; `skipped` hosts gave no answer."""

    release: Release
    was: ReleaseId | None
    changed: bool
    hosts: tuple[str, ...]
    commits: tuple[str, ...] = ()
    seconds: float = 0.0
    timings: Mapping[str, Mapping[str, int]] | None = None
    trips: Mapping[str, int] | None = None
    skipped: tuple[str, ...] = ()
