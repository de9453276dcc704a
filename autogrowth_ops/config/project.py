"""What an environment expects of the project's folder and of the operator's home."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from autogrowth_ops.model.environment import Environment, Host
from autogrowth_ops.model.rules import Problem


def problems(environment: Environment, root: Path) -> Iterator[Problem]:
    """Folders and files that the environment names but the project lacks."""
    app = environment.app
    source = root / app.source
    if not source.is_dir():
        yield Problem(("app", "source"), f'should be a folder of the project, there is no "{app.source}"')
        return
    if app.dockerfile and not (source / app.dockerfile).is_file():
        yield Problem(("app", "dockerfile"), f'should be a file in {app.source}, there is no "{app.dockerfile}"')
    for index, path in enumerate(app.migrate.paths if app.migrate else ()):
        if not (source / path).exists():
            message = f'should exist in {app.source}, there is no "{path}"; migrations would never be run'
            yield Problem(("app", "migrate", "paths", index), message)


def with_key_files(host: Host, name: str, root: Path) -> Host:
    """The host with its name and absolute paths of its key files."""
    identity_file, known_hosts = _absolute(host.identity_file, root), _absolute(host.known_hosts, root)
    return replace(host, name=name, identity_file=identity_file, known_hosts=known_hosts)


def _absolute(file: str, root: Path) -> str:
    return str(root.absolute() / Path(file).expanduser()) if file else ""
