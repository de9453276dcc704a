"""Carry out a plan, batch by batch; when a step fails, take back what was done, or halt with what is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from threading import Event as Signal
from threading import Thread

from ..commands import host as words
from ..commands.shell import LOCKED
from ..engines.request import Change
from ..errors import LockHeld, OpsError
from ..model.plan import Plan
from ..model.release import Release
from ..scripts import run_script
from ..session import Session
from . import verdicts
from .halting import halt, live_hosts
from .host_run import Failure, HostRun, run_batch, variables
from .locking import held_by
from .undoing import undo

HOLDER_SECONDS = 5


def carry_out(session: Session, plan: Plan, change: Change) -> dict[str, dict[str, int]]:
    """Run every step; milliseconds by host and step.

    Raise LockHeld, RolloutFailed (undone), Unreachable (a host could not be asked to undo) or UndoFailed (a person is
    needed); KeyboardInterrupt after undoing. Once a final step has begun nothing is undone any more."""
    runs = {name: HostRun() for name in session.remotes}
    with ExitStack() as held:
        for number, batch in enumerate(plan.batches):
            try:
                run_batch(session, batch, change.release, runs)
            except BaseException as error:
                if problem := _break_off(session, change, runs):
                    raise problem from error
                raise
            if failures := [run.failure for run in runs.values() if run.failure]:
                raise _give_up(session, plan, change, runs, failures)
            if number == 0 and len(plan.batches) > 1:
                held.enter_context(_holding(session, batch.hosts()[0], change.release))
    return {name: run.milliseconds for name, run in runs.items()}


@contextmanager
def _holding(session: Session, host: str, release: Release) -> Iterator[None]:
    """The lock's heartbeat goes on while steps run on other hosts, and ends with this process."""
    ended = Signal()

    def until_ended() -> Iterator[bytes]:
        ended.wait()
        yield b""

    def hold() -> None:
        with suppress(OpsError, KeyboardInterrupt):
            run_script(
                session.remotes[host],
                [words.reading("hold", ("hold_lock",))],
                variables(session, release),
                timeout_seconds=86_400,
                stdin=until_ended(),
            )

    holder = Thread(target=hold, name="hold-lock", daemon=True)
    holder.start()
    try:
        yield
    finally:
        ended.set()
        holder.join(HOLDER_SECONDS)


def _break_off(session: Session, change: Change, runs: Mapping[str, HostRun]) -> OpsError | None:
    """Undo everything, whatever the policy; what is wrong if that cannot be."""
    why = "interrupted"
    if any(run.has_begun_final() for run in runs.values()):
        return verdicts.unfinished(session, change, why, ())
    left = undo(session, runs, change, why)
    if left:
        return verdicts.not_undone(session, change, left, why)
    session.note(verdicts.stands(session, change))
    return None


def _give_up(
    session: Session, plan: Plan, change: Change, runs: Mapping[str, HostRun], failures: Sequence[Failure]
) -> OpsError:
    """Undo everything, or halt where the policy says so and some host has the release; the error to end with."""
    first = failures[0]
    if first.step.key == "lock" and first.code == LOCKED:
        return LockHeld(held_by(first.step.host, words.parse_lock(first.text), session.environment))
    if any(run.has_begun_final() for run in runs.values()):
        return verdicts.unfinished(session, change, str(first), failures)
    why = f"{first.step.host}: {first.reason()}"
    is_migrated = any(run.has_done("migrate") for run in runs.values())
    live = live_hosts(session, plan, runs) if _may_halt(session, change) else ()
    if live:
        left, more = halt(session, plan, change, runs, why)
        return verdicts.halted(session, change, live, [*failures, *more], left, is_migrated=is_migrated)
    left = undo(session, runs, change, why)
    if left:
        return verdicts.not_undone(session, change, left, str(first))
    return verdicts.undone(session, change, failures, is_migrated=is_migrated)


def _may_halt(session: Session, change: Change) -> bool:
    """Hosts with old passwords could not go on beside those that have new ones."""
    return session.environment.policies.on_failure == "halt" and not change.passwords
