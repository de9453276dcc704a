"""inv lock.status, lock.release."""

from __future__ import annotations

from invoke import Context

from . import output
from .boundary import ops_task
from .opening import session_for


@ops_task(name="status", common=("env", "sandbox", "json"))
def status(context: Context, env: str = "", json: bool = False, sandbox: bool = False) -> None:
    """Say who deploys at the moment."""
    from ..operations.locking import locks

    with session_for(context, env, sandbox=sandbox, quiet=True, need_secrets=False) as session:
        found = locks(session)
    if json:
        output.document(found)
    for host, lock in found.items() if not json else ():
        output.line(f"{host}: {lock}")
    if not found and not json:
        output.line("not locked", "green")


@ops_task(name="release", common=("env", "sandbox"))
def release(context: Context, env: str = "", sandbox: bool = False) -> None:
    """Remove a lock whose holder is gone. Make sure that it is: two deploys at once do harm."""
    from ..operations.locking import release_locks

    with session_for(context, env, sandbox=sandbox, quiet=True, need_secrets=False) as session:
        for host, lock in release_locks(session).items():
            output.line(f"{host}: removed the lock of {lock}")


TASKS = (status, release)
