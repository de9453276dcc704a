"""From command-line options to a session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from invoke import Context

from . import output

if TYPE_CHECKING:
    from ..model.environment import Environment
    from ..session import Session


def project_root(context: Context) -> Path:
    """Folder with env/ and templates/."""
    return Path(context.config.autogrowth.root)


def environment_name(root: Path, env: str, host: str) -> str:
    """The environment meant: named, found by its host, or the default."""
    from ..config import default_environment_name, environment_of_host

    if env or not host:
        return env or default_environment_name()
    return environment_of_host(host, root)


def environment_for(
    context: Context,
    env: str = "",
    host: str = "",
    *,
    sandbox: bool = False,
    need_secrets: bool = True,
    need_hosts: bool = False,
) -> Environment:
    """The environment, read and checked; with stand-ins for its hosts if it is a sandbox or `sandbox` says so.

    Raise UsageError if hosts are needed and it has none."""
    from ..errors import UsageError
    from ..operations import rehearsal

    root = project_root(context)
    name = environment_name(root, env, host)
    environment = rehearsal.load(name, root, sandbox=sandbox, need_secrets=need_secrets, need_hosts=need_hosts)
    if host and host not in environment.hosts:
        raise UsageError(f"{host}: no host of environment {name}; there are: {', '.join(environment.hosts) or 'none'}")
    return environment


@contextmanager
def session_for(
    context: Context,
    env: str = "",
    host: str = "",
    *,
    sandbox: bool = False,
    quiet: bool = False,
    need_secrets: bool = True,
    need_hosts: bool = True,
) -> Iterator[Session]:
    """An open session; `host` limits it to that host. Without `need_hosts` it may be on this machine."""
    from ..session import open_session

    environment = environment_for(context, env, host, sandbox=sandbox, need_secrets=need_secrets, need_hosts=need_hosts)
    watch = output.watcher(quiet=quiet)
    with open_session(environment, project_root(context), watch, hosts=(host,) if host else ()) as session:
        try:
            yield session
        finally:
            if isinstance(watch, output.Steps):
                watch.close()


def seconds(text: str) -> float:
    """Seconds of `--wait`: `90`, `30s`, `10m` or `1h`. Raise UsageError on anything else."""
    from ..errors import UsageError

    found = re.fullmatch(r"(\d+)([smh]?)", text)
    if not found:
        raise UsageError(f"--wait: {text}: no length of time; write 90, 30s, 10m or 1h")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]
