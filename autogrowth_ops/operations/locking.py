"""Who deploys at the moment, and giving back a lock whose holder is gone."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import LockHeld, UsageError
from ..model.environment import Environment
from ..model.observation import STALE_LOCK_SECONDS, Lock, Observation
from ..scripts import run_script
from ..session import Session
from .asking import Missing
from .look import look, observe

POLL_SECONDS = 1.0


def locks(session: Session) -> tuple[dict[str, Lock], Missing]:
    """The lock of each host that has one, and why hosts are missing. Raise HostError if all are."""
    observed, missing = look(session)
    return {name: one.lock for name, one in observed.items() if one.lock}, missing


def release_locks(session: Session) -> tuple[dict[str, Lock], Missing]:
    """Remove the locks of the hosts that answer: those that were there, and why hosts are missing.

    Raise UsageError if every host answers and there is none."""
    found, missing = locks(session)
    if not found and not missing:
        raise UsageError(f"{session.environment.name}: not locked")
    for name in found:
        run_script(
            session.remotes[name],
            [("attempt", "lock.release", "release_lock")],
            {**session.engine.variables(), "RELEASE": "-", "BY": f'"{session.who}"'},
            timeout_seconds=30,
        )
    return found, missing


def held_by(host: str, lock: Lock | None, environment: Environment) -> str:
    """The sentence for a lock that somebody holds."""
    return (
        f"{host}: locked by {lock or 'unknown'}; wait until it ends (--wait=10m), or look: inv lock.status "
        f"{environment.options}; if its holder is gone it is taken over {STALE_LOCK_SECONDS} s after its last sign of "
        "life"
    )


def when_free(
    session: Session, observed: Mapping[str, Observation], wait_seconds: float | None
) -> Mapping[str, Observation]:
    """The hosts once nobody else is at work on them, observed anew if that took a while.

    A lock is waited for `wait_seconds`; None does not ask. Raise LockHeld when that time is over. One whose holder is
    gone does not count: it will be taken over."""
    began = session.clock.monotonic()
    while wait_seconds is not None and (held := _held(observed)):
        name, lock = held
        if session.clock.monotonic() - began >= wait_seconds:
            raise LockHeld(held_by(name, lock, session.environment))
        session.note(f"waiting for {lock}", name)
        session.clock.sleep(POLL_SECONDS)
        observed = observe(session)
    return observed


def _held(observed: Mapping[str, Observation]) -> tuple[str, Lock] | None:
    live = [(name, one.lock) for name, one in observed.items() if one.lock and not one.lock.is_stale()]
    return live[0] if live else None
