"""Docker Compose on one or many hosts: each release a Compose project of its own, switched by the proxy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ..clock import Clock
from ..commands import frames
from ..commands import host as words
from ..model.environment import Environment, Host
from ..model.observation import Observation
from ..model.plan import Batch, Plan, Step
from ..model.then import as_of
from ..remote import Remote
from ..scripts import run_script
from .migrations import Migrations
from .request import Change
from .steps import Steps

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

        The way back over migrations is the mirror of that: they are taken back last, when nothing runs that needs them.

        A release that is there already is started as it was, not as today's files would have it."""
        then = as_of(self._environment, change.release)
        steps, migrations = Steps(then, change), Migrations(then, change)
        app = self._app_hosts(change)
        stores = self._data_hosts(change)
        data = [host for host in stores if not host.is_app() and steps.of_stack.is_concerned(host)]
        first, others = app[0], app[1:]
        settled = _each(steps.of_stack.settle, stores)
        removed = _each(steps.of_stack.remove, tuple(dict.fromkeys((*stores, *app)))) if change.stack else ()
        finish = (*settled, *_each(steps.finish, app), *removed)
        down = tuple(migrations.down(first))
        batches = (
            Batch("lock", (steps.lock(first),)),
            Batch("prepare", _each(steps.prepare, (*data, *app)), len(app) + len(data)),
            *_start_first(steps, first, _each(steps.of_stack.passwords, stores), tuple(migrations.up(first))),
            Batch("migrations known", tuple(migrations.version(first))),
            Batch("start the others", _each(steps.start, others), self._environment.policies.at_once),
            Batch("finish", finish, len(app) + len(settled) + len(removed)),
            Batch("stop what was left", _each(steps.stop_left, app) if down else (), len(app)),
            Batch("migrate down", down),
            Batch("unlock", (steps.unlock(first),)),
        )
        return Plan(batches).coalesced()

    def tidy(self, change: Change) -> Plan:
        """Take away what a deploy that was cut off has left; what serves stays as it is."""
        steps = Steps(self._environment, change)
        app = self._app_hosts(change)
        ended = _each(steps.of_stack.passwords, self._data_hosts(change))
        cleared = _each(steps.tidy, app)
        wanted = (*ended, *cleared)
        batches = (
            Batch("lock", (steps.lock(app[0]),)),
            Batch("passwords", ended),
            Batch("finish", cleared, len(app)),
            Batch("unlock", (steps.unlock(app[0]),)),
        )
        return Plan(batches).coalesced() if wanted else Plan()

    def _app_hosts(self, change: Change) -> tuple[Host, ...]:
        return tuple(host for host in self._environment.app_hosts() if host.name in change.observed)

    def _data_hosts(self, change: Change) -> tuple[Host, ...]:
        return tuple(
            host for host in self._environment.hosts.values() if host.is_data() and host.name in change.observed
        )


def _each(of_host: Callable[[Host], Iterable[Step]], hosts: Sequence[Host]) -> tuple[Step, ...]:
    return tuple(step for host in hosts for step in of_host(host))


def _start_first(
    steps: Steps, first: Host, passwords: tuple[Step, ...], migrating: tuple[Step, ...]
) -> tuple[Batch, ...]:
    """New passwords come as late as they can: behind the start, but in front of migrations, which need them."""
    started = tuple(steps.start(first))
    is_rotation = bool(steps.change.passwords and steps.change.old(first.name))
    before, behind = steps.of_stack.around(started) if is_rotation and not migrating else ((), started)
    return (
        Batch("begin", before),
        Batch("passwords", passwords),
        Batch("migrate", migrating),
        Batch("start", behind),
    )
