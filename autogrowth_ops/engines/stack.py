"""The steps of what outlives a release: the stack, and the passwords of its datastores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..commands import host as words
from ..model.environment import Environment, Host
from ..model.plan import Step
from ..model.stack import datastores, stack_services
from .request import Change

READY, LISTEN_SECONDS = "ready", 15
NAMES = {"postgres": "Postgres", "redis": "Redis"}


@dataclass(frozen=True)
class StackSteps:
    """What one change means for the stack of a host."""

    environment: Environment
    change: Change

    def is_concerned(self, host: Host) -> bool:
        """Whether anything of its stack is sent, changed or started again."""
        change = self.change
        return host.name in change.stack or host.name in change.passwords or bool(self._stopped(host))

    def stack(self, host: Host) -> Iterator[Step]:
        """Change the stack, or start what of it stands still."""
        if host.name in self.change.stack:
            do = ("install_stack", self.change.stack_hashes[host.name])
            title, undo = "start or change the stack", ("restore_stack",)
            yield Step(host.name, "stack", title, do, undo=undo, timeout_seconds=600)
        elif stopped := self._stopped(host):
            title = f"start the stack again ({', '.join(stopped)})"
            yield Step(host.name, "stack", title, ("stack_up",), timeout_seconds=600)

    def remove(self, host: Host) -> Iterator[Step]:
        """Take out what env/ does not name any more, once nothing serves that needs it; what it stored stays."""
        there = {one.service for one in self.change.observed[host.name].containers if one.service and not one.release}
        if gone := sorted(there - set(stack_services(self.environment, host))):
            title = f"remove {', '.join(gone)} from the stack (what it stored stays)"
            do = ("remove_from_stack", *gone)
            yield Step(host.name, "stack-remove", title, do, final=True, timeout_seconds=120)

    def passwords(self, host: Host) -> Iterator[Step]:
        """Give the datastores other passwords, or end a change of them that was cut off."""
        before = self._passwords_of_serving()
        if host.name in self.change.passwords:
            title = f"set the passwords of {' and '.join(NAMES[name] for name in datastores(self.environment))}"
            do = ("set_passwords", before, self.change.release.passwords)
            yield Step(host.name, "passwords", title, do, undo=("restore_passwords",))
        elif self.change.observed[host.name].is_rotating():
            title = "end a change of passwords that was cut off"
            yield Step(host.name, "passwords", title, ("resume_passwords", before))

    def around(self, started: Sequence[Step]) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        """Steps that start a release, those in front of new passwords and those behind them.

        Postgres knows one password a role: until the switch, what serves can open no new connection. So the new release
        comes up first, as far as it can without a database; what ended for want of it is started again."""
        ready = next((number for number, step in enumerate(started) if step.key == READY), 0)
        if not ready:
            return (), tuple(started)
        services = {name: one for name, one in self.environment.app.services.items() if not one.singleton}
        host, release = started[0].host, self.change.release.id
        listen = words.wait_listening(release, services, LISTEN_SECONDS)
        again = ("restart_ended", release, *services)
        names = ", ".join(services)
        return (
            (*started[:ready], Step(host, "listen", f"wait until {names} listens", listen)),
            (Step(host, "again", f"start {names} again where it ended", again, timeout_seconds=300), *started[ready:]),
        )

    def settle(self, host: Host) -> Iterator[Step]:
        """Take the old passwords away."""
        if host.name in self.change.passwords:
            yield Step(host.name, "settle", "revoke the old passwords", ("settle_passwords",), final=True)

    def renew(self, host: Host) -> Iterator[Step]:
        """Give a release of before the present passwords."""
        if source := self.change.renewed.get(host.name):
            do = ("renew_variables", self.change.release.id, *source)
            yield Step(host.name, "renew", f"give {self.change.release.id} the present passwords", do)

    def _stopped(self, host: Host) -> tuple[str, ...]:
        return self.change.observed[host.name].lacks(stack_services(self.environment, host))

    def _passwords_of_serving(self) -> str:
        serving = (one.release(one.serving()) for one in self.change.observed.values())
        return next((release.passwords for release in serving if release), "")
