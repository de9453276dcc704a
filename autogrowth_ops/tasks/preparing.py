"""inv render, setup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from invoke import Context

from ..errors import UsageError
from . import output
from .boundary import ops_task
from .opening import environment_for, project_root

if TYPE_CHECKING:
    from ..operations.setup import Prepared


@ops_task(
    common=("env", "host", "json"),
    help={
        "file": "only this file, as Caddyfile or stack/compose.yml",
        "show_secrets": "print secrets in clear; without it they are masked",
    },
)
def render(
    context: Context, env: str = "", host: str = "", file: str = "", show_secrets: bool = False, json: bool = False
) -> None:
    """Show the files a deploy would write on a host, rendered from env/ and templates/. No host is asked.

    Examples: inv render --env=production
              inv render --env=production --file=Caddyfile"""
    from ..operations.rendering import rendered

    environment = environment_for(context, env, host, need_secrets=False)
    files = rendered(environment, project_root(context), host, masked=not show_secrets)
    chosen = {path: text for path, text in files.items() if not file or file in (path, path.rsplit("/", 1)[-1])}
    if not chosen:
        raise UsageError(f"{file}: no such file; there are: {', '.join(files)}")
    if json:
        output.document(chosen)
        return
    for path, text in chosen.items():
        if not file:
            output.line(f"==> {path} <==", "bold")
        output.line(text)


@ops_task(
    common=("env", "host", "sandbox", "dry-run", "json"),
    help={
        "login": "log in as this user in the place of the host's own, to make that one: root, or as your provider says"
    },
)
def setup(
    context: Context,
    env: str = "",
    host: str = "",
    login: str = "",
    sandbox: bool = False,
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Make bare Debian or Ubuntu servers ready: Docker, Compose, a user that deploys, its folder, log rotation.

    What is there already is left alone, so it can be run at any time.
    Examples: inv setup --env=production --login=root
              inv setup --env=production --dry-run"""
    from ..operations.setup import as_login, prepare_hosts
    from ..session import open_session

    declared = environment_for(context, env, host, sandbox=sandbox, need_secrets=False, need_hosts=True)
    watch = output.watcher(quiet=json or dry_run)
    chosen = (host,) if host else ()
    with open_session(as_login(declared, login), project_root(context), watch, hosts=chosen) as session:
        try:
            found = prepare_hosts(session, declared, only_look=dry_run)
        finally:
            if isinstance(watch, output.Steps):
                watch.close()
    _show_prepared(found, dry_run=dry_run, json=json)


def _show_prepared(found: Sequence[Prepared], *, dry_run: bool, json: bool) -> None:
    if json:
        output.document([_as_json(one) for one in found])
        return
    if dry_run:
        rows = [(one.host, item.state, item.title) for one in found for item in one.items]
        styles = ["yellow" if row[1] == "missing" else "" for row in rows]
        output.table(("host", "state", "what"), rows, styles=styles)
        return
    for one in found:
        count = len(one.changed())
        output.line(f"{one.host}: ready, {f'{count} changed' if count else 'nothing had to be changed'}", "green")
        if one.advice:
            output.line(one.advice, "yellow")


def _as_json(one: Prepared) -> dict[str, object]:
    listed = [{"item": item.key, "title": item.title, "state": item.state, "note": item.note} for item in one.items]
    return {"host": one.host, "user": one.user, "items": listed, "advice": one.advice}


TASKS = (render, setup)
