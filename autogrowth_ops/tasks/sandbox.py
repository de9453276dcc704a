"""inv sandbox.up, sandbox.down, sandbox.status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke import Context

from . import output
from .boundary import ops_task
from .opening import project_root

if TYPE_CHECKING:
    from ..model.environment import Environment


def _declared(context: Context, env: str) -> tuple[Environment, str]:
    """The environment without stand-ins, and the name of its sandbox."""
    from ..config import load_environment
    from ..operations.rehearsal import sandbox_name

    environment = load_environment(env or "sandbox", project_root(context), need_secrets=False)
    return environment, sandbox_name(environment.app.name, environment.name)


@ops_task(
    name="up",
    help={
        "env": "environment whose hosts get stand-ins; default: sandbox",
        "bare": "hosts without Docker, to practise `inv setup` on",
    },
    common=(),
)
def up(context: Context, env: str = "", bare: bool = False) -> None:
    """Start throwaway hosts on this machine: real sshd, Docker Engine and Compose, reachable on 127.0.0.1 only.

    Examples: inv sandbox.up
              inv sandbox.up --env=production && inv deploy --env=production --sandbox"""
    from ..operations import rehearsal

    environment, sandbox = _declared(context, env)
    rehearsal.up(environment, output.line, bare=bare)
    option = "" if environment.sandbox else " --sandbox"
    _show(sandbox)
    output.line(f"try: inv {'setup' if bare else 'deploy'} --env={environment.name}{option}")


@ops_task(name="down", help={"env": "environment whose stand-ins are removed; default: sandbox"}, common=())
def down(context: Context, env: str = "") -> None:
    """Remove an environment's throwaway hosts with everything in them."""
    from ..sandbox import lifecycle

    environment, sandbox = _declared(context, env)
    gone = lifecycle.down(sandbox)
    output.line(f"removed: {', '.join(gone)}" if gone else f"environment {environment.name} has no sandbox hosts")


@ops_task(name="status", common=("json",))
def status(context: Context, json: bool = False) -> None:
    """List the throwaway hosts on this machine."""
    from ..sandbox import hosts

    found = hosts.all_sandboxes()
    if json:
        output.document(
            {
                name: [
                    {"name": one.name, "running": one.is_running, "ssh_port": one.port, "http_port": one.http_port}
                    for one in every
                ]
                for name, every in found.items()
            }
        )
    elif not any(found.values()):
        output.line("no sandbox hosts; run: inv sandbox.up")
    else:
        for name in found:
            _show(name)


def _show(sandbox: str) -> None:
    from ..sandbox import hosts

    output.table(
        ("sandbox", "host", "state", "ssh", "http"),
        [
            (
                sandbox,
                one.name,
                "running" if one.is_running else "stopped",
                f"127.0.0.1:{one.port}",
                f"http://127.0.0.1:{one.http_port}",
            )
            for one in hosts.find(sandbox)
        ],
    )


TASKS = (up, down, status)
