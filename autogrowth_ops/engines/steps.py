"""The steps of a plan, each with its words and the words that take it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ..commands import host as words
from ..model.environment import Environment, Host, Service
from ..model.observation import Observation
from ..model.plan import Command, Payload, RenderedFile, Step
from ..model.release import Release, expired
from ..model.then import as_of, public_port
from .door import through_proxy
from .request import Change


@dataclass(frozen=True)
class Steps:
    """What one change means for a host; the environment is as the release knew it."""

    environment: Environment
    change: Change

    def name_again(self, host: Host) -> Iterator[Step]:
        """Name the serving release current, where it is not."""
        if self.change.observed[host.name].current != self.change.release.id:
            point = ("point_current", self.change.release.id)
            yield Step(host.name, "current", "name what serves current", point, final=True)

    def unlock(self, host: Host) -> Step:
        """Give the lock back."""
        return Step(host.name, "unlock", "give the lock back", ("release_lock",), final=True)

    def lock(self, host: Host) -> Step:
        """Take the lock."""
        return Step(
            host.name,
            "lock",
            "take the lock",
            words.take_lock(self.change.lock),
            undo=("release_lock",),
        )

    def prepare(self, host: Host) -> Iterator[Step]:
        """Send the files, build the image, change the stack."""
        files = (
            *_under("release", self.change.files.get(host.name, ())),
            *_under("stack", self.change.stack.get(host.name, ())),
        )
        source = self.change.sources.get(host.name)
        if files:
            title = "send files and source" if source else "send files"
            yield Step(
                host.name,
                "receive",
                title,
                ("receive",),
                undo=("drop_release",),
                payload=Payload(files, source),
                timeout_seconds=1800,
            )
        if host.name in self.change.files:
            yield self._image(host)
        if host.name in self.change.stack:
            yield Step(
                host.name,
                "stack",
                "start or change the stack",
                ("install_stack", self.change.stack_hashes[host.name]),
                undo=("restore_stack",),
                timeout_seconds=600,
            )

    def _image(self, host: Host) -> Step:
        policies, release = self.environment.policies, self.change.release
        target = f"{self.environment.project}:{release.id}"
        undo = ("remove_image", target)
        if (known := _same_image(self.change.observed[host.name], release)) is not None:
            source = f"{self.environment.project}:{known.id}"
            return Step(
                host.name, "image", f"reuse the image of {known.id}", words.tag_image(source, target), undo=undo
            )
        own = self.environment.app.dockerfile
        dockerfile = (
            f"{self.environment.folder}/source/{own}"
            if own
            else f"{self.environment.folder}/releases/{release.id}/Dockerfile"
        )
        return Step(
            host.name,
            "build",
            "build the image",
            words.build(policies.build_timeout_seconds, target, dockerfile),
            undo=undo,
            timeout_seconds=policies.build_timeout_seconds + 30,
        )

    def migrate(self, host: Host) -> Iterator[Step]:
        """Migrate the database, where the migrations are not those that ran already."""
        migrate = self.environment.app.migrate
        if not migrate or host.name not in self.change.files:
            return
        current = self.change.observed[host.name].release(self.change.old(host.name))
        if (
            current
            and self.change.release.migration_hash
            and current.migration_hash == self.change.release.migration_hash
        ):
            return
        service = migrate.service or self.environment.app.public_service() or next(iter(self.environment.app.services))
        yield Step(
            host.name,
            "migrate",
            "migrate the database",
            words.migrate(self.change.release.id, migrate.timeout_seconds, service, migrate.command),
            undo=("remove_release", self.change.release.id),
            timeout_seconds=migrate.timeout_seconds + 30,
        )

    def start(self, host: Host) -> Iterator[Step]:
        """Start beside the old, swap singletons, switch."""
        services = self.environment.app.services
        rolling = {name: service for name, service in services.items() if not service.singleton}
        single = {name: service for name, service in services.items() if service.singleton}
        if rolling:
            yield from self._start_services(host, rolling, "start", "ready")
        if single:
            yield from self._swap_singletons(host, single)
        if self.environment.app.public_service():
            yield from self._switch(host)
        old = self.change.old(host.name)
        yield Step(
            host.name,
            "current",
            "name it current",
            ("point_current", self.change.release.id),
            undo=("point_current", old) if old else ("unpoint_current",),
        )

    def _start_services(self, host: Host, services: dict[str, Service], start: str, ready: str) -> Iterator[Step]:
        release, observed = self.change.release.id, self.change.observed[host.name]
        what = ", ".join(f"{name} x{service.replicas}" for name, service in services.items())
        undo: Command | None = ("remove_release", release)
        if observed.has_containers(release):
            undo = None if observed.running(release) else ("stop_release", release)
        yield Step(
            host.name,
            start,
            f"start {what}",
            (_way_to_start(observed, release, services), release, *services),
            undo=undo,
            timeout_seconds=300,
        )
        limit = max(service.start_timeout_seconds for service in services.values())
        yield Step(
            host.name,
            ready,
            f"wait until {', '.join(services)} answers"
            if any(service.port for service in services.values())
            else f"wait until {', '.join(services)} runs",
            words.wait_ready(release, services),
            timeout_seconds=limit + 60,
        )

    def _swap_singletons(self, host: Host, single: dict[str, Service]) -> Iterator[Step]:
        grace = max(service.stop_grace_seconds for service in single.values())
        for old in _others_running(self.change.observed[host.name], self.change.release):
            yield Step(
                host.name,
                f"stop-single-{old}",
                f"stop {', '.join(single)} of {old}",
                ("stop_release", old, *single),
                undo=("start_release", old, *single),
                timeout_seconds=grace + 60,
            )
        yield from self._start_services(host, single, "start-single", "ready-single")

    def _switch(self, host: Host) -> Iterator[Step]:
        release, old = self.change.release.id, self.change.old(host.name)
        before = as_of(self.environment, self.change.observed[host.name].release(old))
        do = ("switch", release, str(public_port(self.environment)))
        back = ("switch", old or "", str(public_port(before)))
        yield Step(host.name, "switch", "switch the proxy", do, undo=back)
        yield Step(
            host.name, "verify", "verify through the proxy", words.verify(release, 15, through_proxy(self.environment))
        )

    def record(self, host: Host) -> Step:
        """Record the release as good."""
        return Step(host.name, "record", "record the release", words.record(self.change.release), final=True)

    def retire(self, host: Host) -> Iterator[Step]:
        """Stop what was replaced; remove what is no rollback target and what a deploy that was cut off has left."""
        observed, release = self.change.observed[host.name], self.change.release
        past = (*(one for one in observed.releases if one.id != release.id), replace(release, state="good"))
        old = {one.id for one in expired(past, [release.id], self.environment.policies.keep_releases)}
        gone = sorted((old | set(observed.strays())) - {release.id})
        olds = [old for old in _others_running(observed, release) if old not in gone]
        if olds or gone or observed.leftovers:
            grace = max(service.stop_grace_seconds for service in self.environment.app.services.values())
            words_for = [f"stop {', '.join(olds)}"] * bool(olds) + [f"remove {len(gone)} old"] * bool(gone)
            yield Step(
                host.name,
                "retire",
                ", ".join(words_for) or "clear up",
                ("retire", *olds, "--", *gone),
                final=True,
                timeout_seconds=grace + 120,
            )


def _under(folder: str, files: Iterable[RenderedFile]) -> tuple[RenderedFile, ...]:
    return tuple(RenderedFile(f"{folder}/{file.path}", file.text, file.mode) for file in files)


def _same_image(observed: Observation, release: Release) -> Release | None:
    images = {image.rsplit(":", 1)[-1] for image in observed.images}
    same = [
        one
        for one in observed.releases
        if one.build_hash == release.build_hash and one.id in images and one.state == "good"
    ]
    return same[-1] if same else None


def _way_to_start(observed: Observation, release: str, services: Mapping[str, Service]) -> str:
    """Containers that are all there are started as they are, which is faster than asking Compose."""
    there = Counter(one.service for one in observed.containers if one.release == release)
    is_whole = all(there[name] == service.replicas for name, service in services.items())
    return "restart_containers" if is_whole else "start_release"


def _others_running(observed: Observation, release: Release) -> tuple[str, ...]:
    running = {container.release for container in observed.containers if container.is_running and container.release}
    return tuple(sorted(running - {release.id}))
