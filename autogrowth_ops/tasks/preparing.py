"""inv render, setup."""

from __future__ import annotations

from invoke import Context

from ..errors import UsageError
from . import output
from .boundary import ops_task
from .opening import environment_for, project_root


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


TASKS = (render,)
