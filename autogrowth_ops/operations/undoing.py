"""Take back on hosts what a plan began there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..commands import host as words
from ..engines.request import Change
from ..errors import Unreachable
from ..model.masking import masker
from ..model.plan import Command, Step, undo_steps
from ..model.release import Release
from ..remote import Remote
from ..scripts import run_script
from ..session import Session
from .asking import ask, why
from .host_run import HostRun, variables

REASON_LETTERS = 500


@dataclass(frozen=True)
class Left:
    """What could not be undone: why, by host; the `lost` ones gave no answer."""

    failed: Mapping[str, str]
    lost: Mapping[str, str]

    def __bool__(self) -> bool:
        return bool(self.failed or self.lost)


def undo(session: Session, runs: Mapping[str, HostRun], change: Change, reason: str) -> Left:
    """Undo on these hosts what was begun, newest first, on all at the same time; on the host of the lock behind them.

    A release that was new leaves its record, marked bad for what failed there, or else for the `reason`."""
    steps = {name: found for name, run in runs.items() if (found := _undo_of(run))}
    last = [name for name in steps if runs[name].has_done("lock")]
    failed: dict[str, str] = {}
    lost: dict[str, str] = {}
    for names in ([name for name in steps if name not in last], last):
        if not names:
            continue

        def act(remote: Remote) -> str:
            failure = runs[remote.host.name].failure
            because = failure.reason() if failure else reason
            return _undo_host(session, remote, steps[remote.host.name], change, because)

        ends, missing = ask([session.remotes[name] for name in names], act)
        failed |= {name: text for name, text in ends.items() if text}
        for name, error in missing.items():
            (lost if isinstance(error, Unreachable) else failed)[name] = why(name, missing)
    return Left(failed, lost)


def _undo_of(run: HostRun) -> tuple[Step, ...]:
    """Of a script whose end was not seen, every step may have begun: each undo does nothing where nothing was done."""
    is_end_seen = run.failure is not None and run.failure.code is not None
    begun = [*run.done, *([run.current] if run.current else [])] if is_end_seen else list(run.given)
    return undo_steps(step for step in begun if not step.final)


def _undo_host(session: Session, remote: Remote, steps: Sequence[Step], change: Change, reason: str) -> str:
    """What failed; empty if nothing did."""
    calls: list[Command] = [words.in_undo(step.key, step.do) for step in steps]
    if change.is_new and any(step.key == "undo-receive" for step in steps):
        bad = _bad(change.release, reason)
        record = words.in_undo("record", ("record_bad", bad.id, bad.to_json()))
        calls.insert(len(calls) - (steps[-1].key == "undo-lock"), record)
    session.note("undoing", remote.host.name)
    result = run_script(
        remote,
        calls,
        variables(session, change.release),
        timeout_seconds=sum(step.timeout_seconds for step in steps) + 30,
    )
    mask = masker(session.environment.secret_values.values())
    ends = {step: mask(text) for step, (code, text) in result.sections().items() if code and step != "record"}
    return "; ".join(f"{step}: {(text.splitlines() or ['?'])[-1]}" for step, text in ends.items())


def _bad(release: Release, reason: str) -> Release:
    return replace(release, state="bad", reason=reason[:REASON_LETTERS], timings={}, image_id="")
