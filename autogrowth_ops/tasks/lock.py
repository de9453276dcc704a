"""inv lock.status, lock.release."""

from __future__ import annotations

from invoke import Context

from . import output
from .boundary import end_without, ops_task
from .opening import session_for


@ops_task(name="status", common=("env", "sandbox", "json"))
def status(context: Context, env: str = "", json: bool = False, sandbox: bool = False) -> None:
    """Say who deploys at the moment."""
    from ..operations.locking import locks

    with session_for(context, env, sandbox=sandbox, quiet=True, need_secrets=False) as session:
        found, missing = locks(session)
    if json:
        output.document(found)
    for host, lock in found.items() if not json else ():
        output.line(f"{host}: {lock}")
    if not found and not missing and not json:
        output.line("not locked", "green")
    end_without(missing)


@ops_task(name="release", common=("env", "sandbox"))
def release(context: Context, env: str = "", sandbox: bool = False) -> None:
    """Remove a lock whose holder is gone. Make sure that it is: two deploys at once do harm."""
    from ..operations.locking import release_locks

    with session_for(context, env, sandbox=sandbox, quiet=True, need_secrets=False) as session:
        found, missing = release_locks(session)
    for host, lock in found.items():
        output.line(f"{host}: removed the lock of {lock}")
    end_without(missing)


TASKS = (status, release)
