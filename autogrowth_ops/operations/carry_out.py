"""Carry out a plan: batch by batch, and when a step fails, undo what was done, newest first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from threading import Event as Signal
from threading import Thread

from ..commands import failures
from ..commands import host as words
from ..commands.frames import Block
from ..commands.shell import LOCKED
from ..errors import LockHeld, OpsError, RolloutFailed, UndoFailed, Unreachable
from ..model.event import Event
from ..model.masking import masker
from ..model.plan import Batch, Command, Plan, Step, undo_steps
from ..model.release import Release
from ..remote import Remote, on_hosts
from ..scripts import run_script
from ..session import Session
from ..source import chunks
from .locking import held_by

HOLDER_SECONDS = 5


@dataclass(frozen=True)
class Failure:
    """A step that failed: its exit code (None: it never ended), what it printed, and evidence by container."""

    step: Step
    code: int | None
    text: str
    evidence: tuple[Block, ...] = ()
    error: OpsError | None = None

    def reason(self) -> str:
        """The one line that says why."""
        return str(self.error) if self.error else failures.reason(self.step.key, self.code, self.text, self.evidence)

    def details(self) -> list[str]:
        """What the step printed at its end, and the evidence of each container."""
        return failures.details(self.step.key, self.text, self.evidence)


@dataclass
class HostRun:
    """How far one host came."""

    given: tuple[Step, ...] = ()
    done: list[Step] = field(default_factory=list)
    current: Step | None = None
    failure: Failure | None = None
    milliseconds: dict[str, int] = field(default_factory=dict)

    def has_begun_final(self) -> bool:
        """Whether something happened that cannot be undone; from then on the way back may be gone."""
        begun = [*self.done, self.current, self.failure and self.failure.step]
        return any(step and step.final for step in begun)


def carry_out(session: Session, plan: Plan, release: Release, *, is_new: bool) -> dict[str, dict[str, int]]:
    """Run every step; milliseconds by host and step.

    Raise LockHeld, RolloutFailed (undone) or UndoFailed (a person is needed); KeyboardInterrupt after undoing. Once a
    final step has begun nothing is undone any more."""
    runs = {name: HostRun() for name in session.remotes}
    with ExitStack() as held:
        for number, batch in enumerate(plan.batches):
            try:
                _run_batch(session, batch, release, runs)
            except BaseException as error:
                if any(run.has_begun_final() for run in runs.values()):
                    raise _unfinished(session, release, "interrupted", ()) from error
                _undo(session, runs, release, is_new=is_new, reason="interrupted")
                raise
            failures = [run.failure for run in runs.values() if run.failure]
            if failures:
                _give_up(session, runs, failures, release, is_new=is_new)
            if number == 0 and len(plan.batches) > 1:
                held.enter_context(_holding(session, batch.hosts()[0], release))
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
                _variables(session, release),
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


def _run_batch(session: Session, batch: Batch, release: Release, runs: Mapping[str, HostRun]) -> None:
    def act(remote: Remote) -> None:
        _run_steps(session, remote, batch.on(remote.host.name), release, runs[remote.host.name])

    on_hosts(tuple(session.remotes[name] for name in batch.hosts()), act, at_once=batch.at_once)


def _run_steps(session: Session, remote: Remote, steps: Sequence[Step], release: Release, run: HostRun) -> None:
    by_key = {step.key: step for step in steps}
    run.given = (*run.given, *steps)
    payload = next((step.payload for step in steps if step.payload), None)

    def heard(frame: tuple[str, ...]) -> None:
        step = by_key.get(frame[1])
        if not step or frame[0] == "evidence":
            return
        if frame[0] == "start":
            run.current = step
            session.watch(Event(step.host, step.title, "started"))
        elif frame[2] == "0":
            run.done.append(step)
            run.current = None
            run.milliseconds[step.key] = int(frame[3])
            session.watch(Event(step.host, step.title, "done", int(frame[3]) / 1000))

    calls = [words.in_step(step.key, step.do) for step in steps]
    stdin = chunks(session.source.pack(payload)) if payload else b""
    try:
        result = run_script(
            remote,
            calls,
            _variables(session, release),
            stdin=stdin,
            on_frame=heard,
            timeout_seconds=sum(step.timeout_seconds for step in steps),
        )
    except OpsError as error:
        pending = [step for step in steps if step not in run.done]
        run.failure = Failure(run.current or (pending or steps)[0], None, "", error=error)
        session.watch(Event(remote.host.name, run.failure.step.title, "failed"))
        return
    mask = masker(session.environment.secret_values.values())
    blocks = tuple(replace(block, text=mask(block.text)) for block in result.blocks)
    _tell(session, remote.host.name, blocks)
    if len([step for step in steps if step in run.done]) < len(steps):
        run.failure = _failure(steps, blocks, run)
        session.watch(Event(remote.host.name, run.failure.step.title, "failed"))


def _tell(session: Session, host: str, blocks: Sequence[Block]) -> None:
    """What a person should know of steps that went well: a lock taken over, something that could not be removed."""
    for block in blocks:
        for text in block.text.splitlines() if block.kind == "start" else ():
            if text.startswith("warning: ") or (block.name == "lock" and text.startswith("taken over")):
                session.note(text, host)


def _failure(steps: Sequence[Step], blocks: Sequence[Block], run: HostRun) -> Failure:
    step = next(step for step in steps if step not in run.done)
    code = next((int(block.words[2]) for block in blocks if block.kind == "end" and block.name == step.key), None)
    text = next((block.text for block in blocks if block.kind == "start" and block.name == step.key), "")
    return Failure(step, code, text, tuple(block for block in blocks if block.kind == "evidence"))


def _variables(session: Session, release: Release) -> dict[str, str]:
    return {**session.engine.variables(), "RELEASE": release.id, "BY": json.dumps(session.who), "LOCK": session.token}


def _give_up(
    session: Session, runs: Mapping[str, HostRun], failures: Sequence[Failure], release: Release, *, is_new: bool
) -> None:
    first = failures[0]
    if first.step.key == "lock" and first.code == LOCKED:
        raise LockHeld(held_by(first.step.host, words.parse_lock(first.text), session.environment))
    if any(run.has_begun_final() for run in runs.values()):
        why = f"{first.step.host}: {first.step.title} failed: {first.reason()}"
        raise _unfinished(session, release, why, first.details())
    _undo(session, runs, release, is_new=is_new, reason=first.reason())
    what = "; ".join(f"{failure.step.host}: {failure.step.title} failed: {failure.reason()}" for failure in failures)
    details = [line for failure in failures for line in failure.details()]
    raise RolloutFailed(f"{what}; undone, what served before still serves", details)


def _unfinished(session: Session, release: Release, why: str, details: Sequence[str]) -> UndoFailed:
    options = session.environment.options
    return UndoFailed(
        f"{why}; {release.id} serves, but what should have ended may still run, and the lock is held: "
        f"inv status {options}, then inv lock.release {options}",
        details,
    )


def _undo(session: Session, runs: Mapping[str, HostRun], release: Release, *, is_new: bool, reason: str) -> None:
    failed: dict[str, str] = {}
    lost: list[str] = []
    bad = replace(release, state="bad", reason=reason[:500], timings={}, image_id="") if is_new else None
    lock_first = sorted(runs, key=lambda name: any(step.key == "lock" for step in runs[name].done))
    for name in lock_first:
        steps = _undo_of(runs[name])
        if not steps:
            continue
        try:
            failed.update(_undo_host(session, name, steps, release, bad))
        except Unreachable:
            lost.append(name)
        except OpsError as error:
            failed[name] = str(error)
    if lost and not failed:
        options = session.environment.options
        raise Unreachable(
            f"{reason}; {', '.join(lost)} cannot be asked: what was begun there ends by itself, and what it left is "
            f"cleared up by the next deploy; look: inv status {options}, then: inv deploy {options}"
        )
    if failed:
        raise UndoFailed(
            "; ".join(f"{name}: undo failed: {why}" for name, why in failed.items())
            + f"; after: {reason}; a person is needed: inv status {session.environment.options}"
        )


def _undo_of(run: HostRun) -> tuple[Step, ...]:
    """Of a script whose end was not seen, every step may have begun: each undo does nothing where nothing was done."""
    is_end_seen = run.failure is not None and run.failure.code is not None
    begun = [*run.done, *([run.current] if run.current else [])] if is_end_seen else list(run.given)
    return undo_steps(step for step in begun if not step.final)


def _undo_host(
    session: Session, name: str, steps: Sequence[Step], release: Release, bad: Release | None
) -> dict[str, str]:
    calls: list[Command] = [words.in_undo(step.key, step.do) for step in steps]
    if bad and any(step.key == "undo-receive" for step in steps):
        record = words.in_undo("record", ("record_bad", bad.id, bad.to_json()))
        calls.insert(len(calls) - (steps[-1].key == "undo-lock"), record)
    session.note("undoing", name)
    result = run_script(
        session.remotes[name],
        calls,
        _variables(session, release),
        timeout_seconds=sum(step.timeout_seconds for step in steps) + 30,
    )
    mask = masker(session.environment.secret_values.values())
    bad_ends = {step: mask(text) for step, (code, text) in result.sections().items() if code and step != "record"}
    return (
        {name: "; ".join(f"{step}: {(text.splitlines() or ['?'])[-1]}" for step, text in bad_ends.items())}
        if bad_ends
        else {}
    )
