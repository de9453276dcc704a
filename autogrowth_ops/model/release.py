"""A release: one version of the application with one configuration, and the choice between releases."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Literal, NewType

ReleaseId = NewType("ReleaseId", str)
State = Literal["started", "good", "bad"]
ID_PATTERN = re.compile(r"^\d{8}-\d{6}-[0-9a-f]{7}(-dirty)?$")
BEHIND_ID = re.compile(r"-\d{8}-\d{6}-[0-9a-f]{7}(?:-dirty)?-(.+)$")


@dataclass(frozen=True)
class Version:
    """What git says of the source that is deployed: `tree` names its exact content, `commit` where it came from."""

    commit: str
    tree: str
    ref: str = "HEAD"
    subject: str = ""
    is_dirty: bool = False


@dataclass(frozen=True)
class Release:
    """What `releases/<id>/release.json` says on a host.

    `build_hash` names what the image is made of, `config_hash` all rendered files and variables, `passwords` those of
    the datastores; equal ones mean equal releases. `was` is the release it replaced, empty for the first one.
    `services` and `public` are what the configuration said of its processes then, `secret_variables` how its variables
    with secrets were written in env/, by name; `stores` which datastores the stack had.
    `timings` are milliseconds by step. `created_at` is ISO 8601 in UTC."""

    id: ReleaseId
    version: Version
    build_hash: str
    config_hash: str
    created_at: str
    created_by: str
    state: State = "started"
    image: str = ""
    image_id: str = ""
    was: str = ""
    tests: Literal["passed", "skipped", "none"] = "none"
    migration_hash: str = ""
    reason: str = ""
    public: str = ""
    services: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    passwords: str = ""
    secret_variables: Mapping[str, str] = field(default_factory=dict)
    stores: tuple[str, ...] = ()
    timings: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> str:
        """One line of JSON, as kept on the host."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    def is_same_as(self, other: Release) -> bool:
        """Whether nothing that runs would differ."""
        mine, others = ((one.build_hash, one.config_hash, one.passwords) for one in (self, other))
        return mine == others


def parse_release(text: str) -> Release:
    """The release a `release.json` describes. Raise ValueError on anything else."""
    try:
        raw = json.loads(text)
        version = Version(**raw.pop("version"))
        return Release(version=version, stores=tuple(raw.pop("stores", ())), **raw)
    except (TypeError, KeyError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"not a release record: {error}") from error


def release_id(now: datetime, version: Version) -> ReleaseId:
    """`<UTC time>-<short commit>`, with `-dirty` for a source that was never committed. `now` aware."""
    stamp = now.astimezone(timezone.utc).strftime("%Y%m%d-%H%M%S")
    return ReleaseId(f"{stamp}-{version.commit[:7]}{'-dirty' if version.is_dirty else ''}")


def container_label(name: str) -> str:
    """Service and number of a container, as `web-1`; its name repeats the project and the release."""
    of_release = BEHIND_ID.search(name)
    return of_release[1] if of_release else "-".join(name.split("-")[-2:])


def newest_first(releases: Iterable[Release]) -> tuple[Release, ...]:
    """Releases by their ids, newest first."""
    return tuple(sorted(releases, key=lambda release: release.id, reverse=True))


def shared(of_hosts: Iterable[Iterable[Release]]) -> tuple[Release, ...]:
    """The releases that are good on every host, as the first host has them."""
    first, *others = [[release for release in releases if release.state == "good"] for releases in of_hosts]
    ids = [{release.id for release in releases} for releases in others]
    return tuple(release for release in first if all(release.id in one for one in ids))


def rollback_target(releases: Sequence[Release], current: ReleaseId) -> Release | None:
    """The release that `current` replaced, or that one's own predecessor, until a good one: never one that was rolled
    away from. Where that trail ends, the newest good one older than `current`; None if there is none."""
    seen: set[str] = set()
    one = find(releases, current)
    while one and one.was not in seen:
        seen.add(one.was)
        one = find(releases, one.was)
        if one and one.state == "good":
            return one
    older = [release for release in newest_first(releases) if release.id < current and release.state == "good"]
    return older[0] if older else None


def expired(releases: Iterable[Release], serving: Iterable[ReleaseId], keep: int) -> tuple[Release, ...]:
    """Releases to remove, oldest first: all but the `keep` newest good ones, the newest bad ones (for their records)
    up to `keep`, and whatever is in `serving`. What was begun and never finished goes."""
    ordered = newest_first(releases)
    kept = {release.id for release in [one for one in ordered if one.state == "good"][:keep]}
    kept |= {release.id for release in [one for one in ordered if one.state == "bad"][:keep]}
    kept |= set(serving)
    return tuple(release for release in reversed(ordered) if release.id not in kept)


def have_same_migrations(one: Release, other: Release) -> bool:
    """Whether both came with the same migrations; false where that was not recorded."""
    return one.migration_hash == other.migration_hash != ""


def find(releases: Sequence[Release], wanted: str) -> Release | None:
    """The release with this id; None if there is none."""
    return next((release for release in releases if release.id == wanted), None)
