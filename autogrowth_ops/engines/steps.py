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
from .stack import StackSteps


@dataclass(frozen=True)
class Steps:
    """What one change means for a host; the environment is as the release knew it."""

    environment: Environment
    change: Change

    @property
    def of_stack(self) -> StackSteps:
        """The steps of what outlives the release."""
        return StackSteps(self.environment, self.change)

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
            *_under("passwords", self.change.passwords.get(host.name, ())),
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
        yield from self.of_stack.stack(host)

    def _image(self, host: Host) -> Step:
        policies, release = self.environment.policies, self.change.release
        target = f"{self.environment.project}:{release.id}"
        undo = ("remove_image", target)
        if (known := self.change.observed[host.name].same_image(release.build_hash)) is not None:
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

    def start(self, host: Host) -> Iterator[Step]:
        """Start beside the old, swap singletons, switch; what is still warm is switched to before all else."""
        yield from self.of_stack.renew(host)
        services = self.environment.app.services
        answering = {name: service for name, service in services.items() if service.port}
        rolling = {name: service for name, service in services.items() if not service.singleton}
        single = {name: service for name, service in services.items() if service.singleton}
        is_warm = self._is_warm(host, answering)
        if is_warm:
            yield from self._start_services(host, answering, "start", "ready", "restart_warm")
            yield from self._switch(host)
            rolling = {name: service for name, service in rolling.items() if name not in answering}
        if rolling:
            keys = ("start-rest", "ready-rest") if is_warm else ("start", "ready")
            yield from self._start_services(host, rolling, *keys)
        if single:
            yield from self._swap_singletons(host, single)
        if not is_warm:
            yield from self._switch(host)
        yield from self._bake(host)
        old = self.change.old(host.name)
        yield Step(
            host.name,
            "current",
            "name it current",
            ("point_current", self.change.release.id),
            undo=("point_current", old) if old else ("unpoint_current",),
        )

    def _is_warm(self, host: Host, services: Mapping[str, Service]) -> bool:
        """Whether these services of the release run already, as they should, and none of them is a singleton."""
        running = self.change.observed[host.name].running(self.change.release.id)
        is_renewed = host.name in self.change.renewed
        return bool(services and not is_renewed) and all(
            running.get(name, 0) == service.replicas and not service.singleton for name, service in services.items()
        )

    def _start_services(
        self, host: Host, services: dict[str, Service], start: str, ready: str, way: str = ""
    ) -> Iterator[Step]:
        release, observed = self.change.release.id, self.change.observed[host.name]
        what = ", ".join(f"{name} x{service.replicas}" for name, service in services.items())
        undo: Command | None = ("remove_release", release)
        if observed.has_containers(release):
            undo = None if release == self.change.old(host.name) else ("stop_release", release, *services)
        yield Step(
            host.name,
            start,
            f"start {what}",
            (way or self._way_to_start(observed, services), release, *services),
            undo=undo,
            timeout_seconds=300,
        )
        limit = max(service.start_timeout_seconds for service in services.values())
        yield Step(
            host.name,
            ready,
            _awaited(services),
            words.wait_ready(release, services),
            timeout_seconds=limit + 60,
        )

    def _way_to_start(self, observed: Observation, services: Mapping[str, Service]) -> str:
        """Containers that are all there are started as they are, which is faster than asking Compose."""
        release = self.change.release.id
        there = Counter(one.service for one in observed.containers if one.release == release)
        is_whole = all(there[name] == service.replicas for name, service in services.items())
        is_renewed = observed.host in self.change.renewed
        return "restart_containers" if is_whole and not is_renewed else "start_release"

    def _swap_singletons(self, host: Host, single: dict[str, Service]) -> Iterator[Step]:
        """An undo gives them back to what serves; what was replaced before has lost them for good."""
        grace = max(service.stop_grace_seconds for service in single.values())
        serving = self.change.old(host.name)
        for old in _others_running(self.change.observed[host.name], self.change.release):
            yield Step(
                host.name,
                f"stop-single-{old}",
                f"stop {', '.join(single)} of {old}",
                ("stop_release", old, *single),
                undo=("start_release", old, *single) if old == serving else None,
                timeout_seconds=grace + 60,
            )
        yield from self._start_services(host, single, "start-single", "ready-single")

    def _switch(self, host: Host) -> Iterator[Step]:
        if not self.environment.app.public_service():
            return
        release, old = self.change.release.id, self.change.old(host.name)
        before = as_of(self.environment, self.change.observed[host.name].release(old))
        do = ("switch", release, str(public_port(self.environment)))
        back = ("switch", old or "", str(public_port(before)))
        yield Step(host.name, "switch", "switch the proxy", do, undo=back)
        yield Step(
            host.name, "verify", "verify through the proxy", words.verify(release, 15, through_proxy(self.environment))
        )

    def _bake(self, host: Host) -> Iterator[Step]:
        """A new release is on trial, where one before can go on if it fails."""
        policies, old = self.environment.policies, self.change.old(host.name)
        service = self.environment.app.services.get(self.environment.app.public_service())
        if not (policies.bake_seconds and service and old and self.change.is_new):
            return
        yield Step(
            host.name,
            "bake",
            f"watch it for {policies.bake_seconds} s",
            words.bake(self.change.release.id, old, policies, service.health_path, through_proxy(self.environment)),
            timeout_seconds=policies.bake_seconds + 60,
        )

    def finish(self, host: Host) -> Iterator[Step]:
        """Record the release as good, and end what is not needed beside it."""
        record = words.record(self.change.release)
        yield Step(host.name, "record", "record the release", record, final=True)
        yield from self._prune(host)
        yield from self._retire(host)

    def stop_left(self, host: Host) -> Iterator[Step]:
        """Stop what is left at once and wait for it: what it stands on is taken away."""
        if (old := self.change.old(host.name)) and old != self.change.release.id:
            title = f"stop {old}"
            yield Step(host.name, "stop-left", title, ("stop_release", old), final=True, timeout_seconds=300)

    def tidy(self, host: Host) -> Iterator[Step]:
        """Name what serves current, where it is not, and end what is not needed beside it."""
        yield from self._name_again(host)
        yield from self._prune(host)
        yield from self._retire(host)

    def _name_again(self, host: Host) -> Iterator[Step]:
        if self.change.observed[host.name].current != self.change.release.id:
            point = ("point_current", self.change.release.id)
            yield Step(host.name, "current", "name what serves current", point, final=True)

    def _prune(self, host: Host) -> Iterator[Step]:
        observed, gone = self.change.observed[host.name], self._gone(host)
        if gone or observed.leftovers:
            title = f"remove {len(gone)} old" if gone else "clear up"
            yield Step(host.name, "prune", title, ("prune", *gone), final=True, timeout_seconds=300)

    def _retire(self, host: Host) -> Iterator[Step]:
        """Order the end of what runs beside the release: it goes on by itself. What was replaced just now stays for its
        streams, and warm for a way back; what was replaced before gives way."""
        observed, gone = self.change.observed[host.name], self._gone(host)
        replaced = self.change.old(host.name)
        for old in _others_running(observed, self.change.release):
            if old in gone or (replaced == self.change.release.id and observed.retiring.get(old, 0) > 0):
                continue
            seconds, kept = self._stays(observed, old) if old == replaced else (0, ())
            yield Step(
                host.name,
                "retire" if old == replaced else f"retire-{old}",
                f"stop {old}{f' in {seconds} s' if seconds else ''} (goes on by itself)",
                words.retire(old, seconds, kept),
                final=True,
            )

    def _stays(self, observed: Observation, old: str) -> tuple[int, tuple[str, ...]]:
        """For how many seconds which services of a replaced release keep running: workers and schedulers never."""
        services = as_of(self.environment, observed.release(old)).app.services
        seconds = max(self.environment.policies.warm_minutes * 60, self.environment.stack.proxy.stream_close_seconds)
        return seconds, tuple(name for name, service in services.items() if service.port and not service.singleton)

    def _gone(self, host: Host) -> tuple[str, ...]:
        observed, release = self.change.observed[host.name], self.change.release
        past = (*(one for one in observed.releases if one.id != release.id), replace(release, state="good"))
        old = {one.id for one in expired(past, [release.id], self.environment.policies.keep_releases)}
        return tuple(sorted((old | set(observed.strays())) - {release.id}))


def _awaited(services: Mapping[str, Service]) -> str:
    verb = "answer" if any(service.port for service in services.values()) else "run"
    return f"wait until {', '.join(services)} {verb}{'s' * (len(services) == 1)}"


def _under(folder: str, files: Iterable[RenderedFile]) -> tuple[RenderedFile, ...]:
    return tuple(RenderedFile(f"{folder}/{file.path}", file.text, file.mode) for file in files)


def _others_running(observed: Observation, release: Release) -> tuple[str, ...]:
    running = {container.release for container in observed.containers if container.is_running and container.release}
    return tuple(sorted(running - {release.id}))
