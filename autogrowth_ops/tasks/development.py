"""inv dev.up, dev.down, dev.status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from invoke import Context

from . import arguments, output
from .boundary import ops_task
from .opening import project_root, session_for

if TYPE_CHECKING:
    from ..operations.development import Development
    from ..session import Session

NAME = "development"
MOST_PORT = 65535
ENV = {"env": "an environment without hosts; default: development"}


@contextmanager
def _session(context: Context, env: str, *, quiet: bool = False, need_secrets: bool = False) -> Iterator[Session]:
    from ..operations.development import ensure_secrets, refuse_hosts

    name, root = env or NAME, project_root(context)
    refuse_hosts(name, root)
    made = ensure_secrets(name, root) if need_secrets else ()
    with session_for(context, name, quiet=quiet, need_secrets=need_secrets, need_hosts=False) as session:
        if made:
            session.note(f"made up {', '.join(made)}, kept in env/{name}.secrets")
        yield session


@ops_task(
    name="up",
    common=("json",),
    help={
        **ENV,
        "port": "port of the application on this machine; default: its own",
        "postgres_port": "port of Postgres on this machine; default: 5432",
        "redis_port": "port of Redis on this machine; default: 6379",
    },
)
def up(
    context: Context, env: str = "", port: str = "", postgres_port: str = "", redis_port: str = "", json: bool = False
) -> None:
    """Run the application on this machine, reloading when its source changes, with Postgres and Redis beside it.

    Everything listens on 127.0.0.1 only; what the application writes is in data/ and logs/.
    Examples: inv dev.up
              inv dev.up --port=8001 --postgres-port=5433"""
    from ..operations import development

    datastores = {"postgres": postgres_port, "redis": redis_port}
    chosen = {name: _port(f"--{name}-port", text) for name, text in datastores.items() if text}
    own = _port("--port", port) if port else None
    with _session(context, env, quiet=json, need_secrets=True) as session:
        if own:
            chosen[session.environment.app.public_service()] = own
        found = development.up(session, chosen)
    _show(found, json=json)


@ops_task(name="down", common=(), help={**ENV, "volumes": "remove the data of Postgres and Redis too"})
def down(context: Context, env: str = "", volumes: bool = False) -> None:
    """Remove the containers of the development environment; data/ and logs/ stay."""
    from ..operations import development

    with _session(context, env) as session:
        ran = development.down(session, volumes=volumes)
    output.line(f"removed: {', '.join(ran)}" if ran else "nothing ran")


@ops_task(name="status", common=("json",), help=ENV)
def status(context: Context, env: str = "", json: bool = False) -> None:
    """Show what runs of the development environment, and where it answers."""
    from ..operations import development

    with _session(context, env, quiet=True) as session:
        found, options = development.status(session), session.environment.options
    if not found.containers and not json:
        output.line(f"nothing runs; run: inv dev.up {options}")
    else:
        _show(found, json=json)


def _port(option: str, text: str) -> int:
    return arguments.number(option, text, most=MOST_PORT)


def _show(found: Development, *, json: bool) -> None:
    if json:
        output.document(found)
        return
    rows = [(one.service, one.status, ", ".join(f"127.0.0.1:{port}" for port in one.ports)) for one in found.containers]
    output.table(("service", "state", "listens on"), rows)
    if found.url:
        state, style = ("answers", "green") if found.is_healthy else ("does not answer", "bold red")
        output.line(f"{found.url} {state}", style)


TASKS = (up, down, status)
