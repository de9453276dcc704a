"""Who deploys at the moment, and giving back a lock whose holder is gone."""

from __future__ import annotations

from ..errors import UsageError
from ..model.observation import Lock
from ..scripts import run_script
from ..session import Session
from .look import observe


def locks(session: Session) -> dict[str, Lock]:
    """The lock of each host that has one."""
    return {name: one.lock for name, one in observe(session).items() if one.lock}


def release_locks(session: Session) -> dict[str, Lock]:
    """Remove every lock of the environment; those that were there. Raise UsageError if there is none."""
    found = locks(session)
    if not found:
        raise UsageError(f"{session.environment.name}: not locked")
    for name in found:
        run_script(
            session.remotes[name],
            [("attempt", "lock.release", "release_lock")],
            {**session.engine.variables(), "RELEASE": "-", "BY": f'"{session.who}"'},
            timeout_seconds=30,
        )
    return found
