"""inv exec, shell: inside a running container."""

from __future__ import annotations

import sys

from invoke import Context, Exit

from ..errors import UsageError
from .boundary import ops_task
from .opening import environment_name, project_root, session_for

SERVICE = {"service": "whose container; default: the public service"}


@ops_task(name="exec", common=("env", "host", "sandbox"), help=SERVICE)
def exec_(context: Context, env: str = "", host: str = "", service: str = "", sandbox: bool = False) -> None:
    """Run a command in a container of the serving release; its exit code is this one's.

    Examples: inv exec --service=web -- python main.py migrate --list
              inv exec --service=postgres -- psql -U trading_user trading_system"""
    words = tuple(sys.argv[sys.argv.index("--") + 1 :]) if "--" in sys.argv else ()
    if not words:
        name = environment_name(project_root(context), env, host)
        option = f"--env={name}{' --sandbox' if sandbox else ''}"
        raise UsageError(f"exec: no command; write it behind two dashes: inv exec {option} -- ls /app")
    _run(context, env, host, service, words, sandbox=sandbox)


@ops_task(common=("env", "host", "sandbox"), help=SERVICE)
def shell(context: Context, env: str = "", host: str = "", service: str = "", sandbox: bool = False) -> None:
    """Open a shell in a container of the serving release."""
    _run(context, env, host, service, ("sh",), sandbox=sandbox)


def _run(context: Context, env: str, host: str, service: str, words: tuple[str, ...], *, sandbox: bool) -> None:
    from ..operations.inside import run_inside

    with session_for(context, env, host, sandbox=sandbox, quiet=True, need_secrets=False) as session:
        code = run_inside(session, service or session.environment.app.public_service(), words, host)
    if code:
        raise Exit(code=code)


TASKS = (exec_, shell)
