"""Docker Compose on one or many hosts: each release a Compose project of its own, switched by the proxy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..clock import Clock
from ..commands import frames
from ..commands import host as words
from ..model.environment import Environment, Host, Service
from ..model.observation import Observation
from ..model.plan import Batch, Command, Payload, Plan, RenderedFile, Step
from ..model.release import Release, expired
from ..model.then import as_of, public_port
from ..remote import Remote
from ..scripts import run_script
from .door import through_proxy
from .request import Change

OBSERVE_SECONDS = 30


class ComposeEngine:
    """Plans with `docker compose`; everything it decides comes from the environment and the change."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def variables(self) -> dict[str, str]:
        """Shell variables every script starts with."""
        return {"BASE": self._environment.folder, "PROJECT": self._environment.project}

    def observe(self, remote: Remote, clock: Clock) -> Observation:
        """What is on the host, in one trip; changes nothing."""
        arrived: list[float] = []
        blocks = run_script(
            remote,
            [words.observe()],
            self.variables(),
            timeout_seconds=OBSERVE_SECONDS,
            on_frame=lambda _: arrived.append(clock.now().timestamp()),
        ).blocks
        our_clock = arrived[1] if len(arrived) > 1 else clock.now().timestamp()
        return words.parse_observation(remote.host.name, frames.sections(blocks), our_clock)

    def plan(self, change: Change) -> Plan:
        """Lock, prepare everywhere, migrate once, start and switch (the first host alone), then finish everywhere.

        A release that is there already is started as it was, not as today's files would have it."""
        return ComposeEngine(as_of(self._environment, change.release))._plan(change)

    def _plan(self, change: Change) -> Plan:
        app = [host for host in self._environment.app_hosts() if host.name in change.observed]
        data = [host for host in self._environment.hosts.values() if not host.is_app() and host.name in change.stack]
        first, others = app[0], app[1:]
        everyone = len(app) + len(data)
        at_once = self._environment.policies.at_once
        batches = (
            Batch("lock", (self._lock(change, first),)),
            Batch("prepare", tuple(step for host in (*data, *app) for step in self._prepare(change, host)), everyone),
            Batch("migrate", tuple(self._migrate(change, first))),
            Batch("start", tuple(self._start(change, first))),
            Batch("start the others", tuple(step for host in others for step in self._start(change, host)), at_once),
            *self._finish(change, app),
        )
        return Plan(batches).coalesced()

    def _finish(self, change: Change, app: Sequence[Host]) -> tuple[Batch, ...]:
        """Old releases are stopped before a deploy ends, but behind the end of a rollback: it is in a hurry."""
        every = tuple(step for host in app for step in (self._record(change, host), *self._retire(change, host)))
        if not change.is_new and len(app) == 1 and every[-1].key == "retire":
            last = every[-1]
            lock = replace(change.lock, what=f"stop what {change.release.id} replaced")
            title = f"{last.title}, then give the lock back (goes on by itself)"
            every = (*every[:-1], replace(last, title=title, do=words.detached("retired", lock, last.do)))
            return (Batch("finish", every),)
        return (Batch("finish", every, len(app)), Batch("unlock", (self._unlock(app[0]),)))

    def tidy(self, change: Change) -> Plan:
        """Take away what a deploy that was cut off has left; what serves stays as it is."""
        app = [host for host in self._environment.app_hosts() if host.name in change.observed]
        steps = tuple(step for host in app for step in (*self._name_again(change, host), *self._retire(change, host)))
        batches = (
            Batch("lock", (self._lock(change, app[0]),)),
            Batch("finish", steps, len(app)),
            Batch("unlock", (self._unlock(app[0]),)),
        )
        return Plan(batches).coalesced() if steps else Plan()

    def _name_again(self, change: Change, host: Host) -> Iterator[Step]:
        if change.observed[host.name].current != change.release.id:
            point = ("point_current", change.release.id)
            yield Step(host.name, "current", "name what serves current", point, final=True)

    def _unlock(self, host: Host) -> Step:
        return Step(host.name, "unlock", "give the lock back", ("release_lock",), final=True)

    def _lock(self, change: Change, host: Host) -> Step:
        return Step(
            host.name,
            "lock",
            "take the lock",
            words.take_lock(change.lock),
            undo=("release_lock",),
        )

    def _prepare(self, change: Change, host: Host) -> Iterator[Step]:
        files = (*_under("release", change.files.get(host.name, ())), *_under("stack", change.stack.get(host.name, ())))
        source = change.sources.get(host.name)
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
        if change.is_new and host.is_app():
            yield self._image(change, host)
        if host.name in change.stack:
            yield Step(
                host.name,
                "stack",
                "start or change the stack",
                ("install_stack", change.stack_hashes[host.name]),
                undo=("restore_stack",),
                timeout_seconds=600,
            )

    def _image(self, change: Change, host: Host) -> Step:
        policies, release = self._environment.policies, change.release
        target = f"{self._environment.project}:{release.id}"
        undo = ("remove_image", target)
        if (known := _same_image(change.observed[host.name], release)) is not None:
            source = f"{self._environment.project}:{known.id}"
            return Step(
                host.name, "image", f"reuse the image of {known.id}", words.tag_image(source, target), undo=undo
            )
        own = self._environment.app.dockerfile
        dockerfile = (
            f"{self._environment.folder}/source/{own}"
            if own
            else f"{self._environment.folder}/releases/{release.id}/Dockerfile"
        )
        return Step(
            host.name,
            "build",
            "build the image",
            words.build(policies.build_timeout_seconds, target, dockerfile),
            undo=undo,
            timeout_seconds=policies.build_timeout_seconds + 30,
        )

    def _migrate(self, change: Change, host: Host) -> Iterator[Step]:
        migrate = self._environment.app.migrate
        if not migrate or not change.is_new:
            return
        current = change.observed[host.name].release(change.old(host.name))
        if current and change.release.migration_hash and current.migration_hash == change.release.migration_hash:
            return
        service = (
            migrate.service or self._environment.app.public_service() or next(iter(self._environment.app.services))
        )
        yield Step(
            host.name,
            "migrate",
            "migrate the database",
            words.migrate(change.release.id, migrate.timeout_seconds, service, migrate.command),
            undo=("remove_release", change.release.id),
            timeout_seconds=migrate.timeout_seconds + 30,
        )

    def _start(self, change: Change, host: Host) -> Iterator[Step]:
        services = self._environment.app.services
        rolling = {name: service for name, service in services.items() if not service.singleton}
        single = {name: service for name, service in services.items() if service.singleton}
        if rolling:
            yield from self._start_services(change, host, rolling, "start", "ready")
        if single:
            yield from self._swap_singletons(change, host, single)
        if self._environment.app.public_service():
            yield from self._switch(change, host)
        old = change.old(host.name)
        yield Step(
            host.name,
            "current",
            "name it current",
            ("point_current", change.release.id),
            undo=("point_current", old) if old else ("unpoint_current",),
        )

    def _start_services(
        self, change: Change, host: Host, services: dict[str, Service], start: str, ready: str
    ) -> Iterator[Step]:
        release, observed = change.release.id, change.observed[host.name]
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

    def _swap_singletons(self, change: Change, host: Host, single: dict[str, Service]) -> Iterator[Step]:
        grace = max(service.stop_grace_seconds for service in single.values())
        for old in _others_running(change.observed[host.name], change.release):
            yield Step(
                host.name,
                f"stop-single-{old}",
                f"stop {', '.join(single)} of {old}",
                ("stop_release", old, *single),
                undo=("start_release", old, *single),
                timeout_seconds=grace + 60,
            )
        yield from self._start_services(change, host, single, "start-single", "ready-single")

    def _switch(self, change: Change, host: Host) -> Iterator[Step]:
        release, old = change.release.id, change.old(host.name)
        before = as_of(self._environment, change.observed[host.name].release(old))
        do = ("switch", release, str(public_port(self._environment)))
        back = ("switch", old or "", str(public_port(before)))
        yield Step(host.name, "switch", "switch the proxy", do, undo=back)
        yield Step(
            host.name, "verify", "verify through the proxy", words.verify(release, 15, through_proxy(self._environment))
        )

    def _record(self, change: Change, host: Host) -> Step:
        return Step(host.name, "record", "record the release", words.record(change.release), final=True)

    def _retire(self, change: Change, host: Host) -> Iterator[Step]:
        observed, release = change.observed[host.name], change.release
        past = (*(one for one in observed.releases if one.id != release.id), replace(release, state="good"))
        old = {one.id for one in expired(past, [release.id], self._environment.policies.keep_releases)}
        gone = sorted((old | set(observed.strays())) - {release.id})
        olds = [old for old in _others_running(observed, release) if old not in gone]
        if olds or gone or observed.leftovers:
            grace = max(service.stop_grace_seconds for service in self._environment.app.services.values())
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
