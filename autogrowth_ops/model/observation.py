"""What was seen on a host: facts, releases, containers, lock. Read in one trip, decided upon without I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .release import Release, ReleaseId, find


@dataclass(frozen=True)
class Facts:
    """What the preflight looks at. `clock_skew_seconds` is the host's clock minus ours; sizes are bytes.

    `image_disk_free_bytes` is that of the disk where Docker keeps images, None where that is not known."""

    user: str = ""
    has_docker: bool = False
    can_use_docker: bool = False
    docker_answers: bool = False
    has_compose: bool = False
    has_buildx: bool = False
    has_tools: tuple[str, ...] = ()
    is_folder_writable: bool = False
    disk_free_bytes: int = 0
    disk_size_bytes: int = 0
    image_disk_free_bytes: int | None = None
    clock_skew_seconds: float = 0.0


MIGRATION = "migrate"  # as a service: the one container that changes the schema


@dataclass(frozen=True)
class Container:
    """One container of this environment; `status` is Docker's own sentence ("Up 3 minutes (healthy)")."""

    id: str
    name: str
    project: str
    service: str
    release: str
    state: str
    status: str
    image: str = ""
    created_at: str = ""

    @property
    def label(self) -> str:
        """Service and number, as `web-1`; its name repeats the project and the release."""
        return f"{self.service}-{self.name.rpartition('-')[2]}"

    @property
    def is_running(self) -> bool:
        """Whether its process runs."""
        return self.state == "running"


STALE_LOCK_SECONDS = 15
ROTATING = ("rotation", "passwords.next")


@dataclass(frozen=True)
class Lock:
    """Who deploys at the moment; `since` is ISO 8601 in UTC, `silent_seconds` the age of the last heartbeat."""

    owner: str = "unknown"
    host: str = ""
    pid: int = 0
    since: str = ""
    what: str = ""
    silent_seconds: int = 0

    def is_stale(self) -> bool:
        """Whether its holder is gone: it may be taken over."""
        return self.silent_seconds > STALE_LOCK_SECONDS

    def __str__(self) -> str:
        return f"{self.owner}@{self.host} (pid {self.pid}) since {self.since}: {self.what}"


@dataclass(frozen=True)
class Observation:
    """One host of one environment, as it was.

    `passwords` names those that the datastores of this host were given last. `retiring` are the releases that were
    replaced and still run, with the seconds until they stop; `image_bytes` is the size of the largest image."""

    host: str
    facts: Facts = field(default_factory=Facts)
    current: ReleaseId | None = None
    releases: tuple[Release, ...] = ()
    containers: tuple[Container, ...] = ()
    images: tuple[str, ...] = ()
    image_bytes: int = 0
    lock: Lock | None = None
    stack_hash: str = ""
    source_tree: str = ""
    proxied: str = ""
    passwords: str = ""
    leftovers: tuple[str, ...] = ()
    retiring: Mapping[str, int] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()

    def release(self, wanted: str | None) -> Release | None:
        """The record of one release; None if the host has none of that id."""
        return find(self.releases, wanted) if wanted else None

    def is_good(self, wanted: str) -> bool:
        """Whether the host has that release, and it served there and passed."""
        found = self.release(wanted)
        return found is not None and found.state == "good"

    def current_release(self) -> Release | None:
        """The record of the release that `current` points to."""
        return self.release(self.current)

    def serving(self) -> ReleaseId | None:
        """The release that the proxy sends requests to, else the one `current` names."""
        return ReleaseId(self.proxied) if self.release(self.proxied) else self.current

    def same_image(self, build_hash: str) -> Release | None:
        """The newest good release whose image is there and was built from the same."""
        there = {image.rsplit(":", 1)[-1] for image in self.images}
        same = (one for one in self.releases if one.build_hash == build_hash and one.id in there)
        return max((one for one in same if one.state == "good"), key=lambda one: one.id, default=None)

    def strays(self) -> tuple[str, ...]:
        """Releases that a deploy began and never finished, and containers or folders of none that is known."""
        begun = {one.id for one in self.releases if one.state == "started"}
        nameless = {path.partition("/")[2] for path in self.leftovers if path.startswith("releases/")}
        known = {one.id for one in self.releases}
        homeless = {one.release for one in self.containers if one.release and one.release not in known}
        return tuple(sorted((begun | nameless | homeless) - {self.serving() or ""}))

    def is_rotating(self) -> bool:
        """Whether somebody began to change the datastores' passwords and neither finished nor took it back."""
        return any(path in ROTATING for path in self.leftovers)

    def lacks(self, services: Iterable[str], *, even_stopped: bool = False) -> tuple[str, ...]:
        """Which services of a stack that was installed have no running container; with `even_stopped`, none at all."""
        there = {one.service for one in self.containers if not one.release and (even_stopped or one.is_running)}
        return tuple(service for service in services if service not in there) if self.stack_hash else ()

    def migration(self) -> Container | None:
        """The migration that runs at the moment; None if there is none."""
        return next((one for one in self.containers if one.service == MIGRATION and one.is_running), None)

    def running(self, release: str) -> Mapping[str, int]:
        """Running containers of a release, by service."""
        counts: dict[str, int] = {}
        for container in self.containers:
            if container.release == release and container.is_running:
                counts[container.service] = counts.get(container.service, 0) + 1
        return counts

    def has_containers(self, release: str) -> bool:
        """Whether the host has any container of that release, running or stopped."""
        return any(container.release == release for container in self.containers)
