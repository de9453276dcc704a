"""Halt a rollout where it stands: hosts that have the release keep it, all others keep what they had."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from ..engines.request import Change
from ..model.plan import Plan
from ..session import Session
from .host_run import Failure, HostRun, run_batch
from .undoing import Left, undo


def live_hosts(session: Session, plan: Plan, runs: Mapping[str, HostRun]) -> tuple[str, ...]:
    """App hosts on which nothing but the plan's final steps is left to do: the release serves there."""
    return tuple(name for name in _ready_hosts(plan, runs) if session.environment.hosts[name].is_app())


def halt(
    session: Session, plan: Plan, change: Change, runs: Mapping[str, HostRun], reason: str
) -> tuple[Left, list[Failure]]:
    """Undo on the hosts that are not done, then carry out the final steps of those that are; the lock is given back.

    What could not be undone, and the final steps that failed."""
    kept = _ready_hosts(plan, runs)
    left = undo(session, {name: run for name, run in runs.items() if name not in kept}, change, reason)
    for batch in plan.batches:
        ending = tuple(step for step in batch.steps if step.final and step.host in kept)
        if ending:
            run_batch(session, replace(batch, steps=ending), change.release, runs)
    return left, [failure for name in kept if (failure := runs[name].failure)]


def _ready_hosts(plan: Plan, runs: Mapping[str, HostRun]) -> Collection[str]:
    """Hosts of the plan that have done all that is not final; a host of datastores whose stack was changed is one."""
    pending = {step.host for step in plan.steps() if not step.final and not runs[step.host].has_done(step.key)}
    return [name for name in dict.fromkeys(step.host for step in plan.steps()) if name not in pending]
