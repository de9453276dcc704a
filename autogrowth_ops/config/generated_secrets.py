"""Secrets for environments that are thrown away: made up once, kept in a file of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from autogrowth_ops.errors import ConfigError
from autogrowth_ops.model.environment import Environment

from .reader import load_environment
from .secret_values import lacking, read_private, with_secrets_of


def _random_text() -> str:
    from secrets import token_urlsafe

    return token_urlsafe(24)


def with_made_up_secrets(
    environment: Environment, file: Path, generate: Callable[[], str] = _random_text
) -> Environment:
    """The environment with a value for every secret: those that have none get that of `file`, made up if need be.

    Raise ConfigError if `file` is there and cannot be read, or if others can read it."""
    _refuse_unreadable(file)
    known = with_secrets_of(environment, file)
    if not _make_up(known, file, generate):
        return known
    _refuse_unreadable(file)
    return with_secrets_of(known, file)


def ensure_sandbox_secrets(
    name: str, root: Path, into: Path, generate: Callable[[], str] = _random_text
) -> tuple[str, ...]:
    """Write a value of its own for every secret that has none into the file `into` (mode 0600); names of those made.

    What `into` has already stays. Pass it to load_environment as `secrets_file`. Raise ConfigError for an environment
    with hosts that is not a sandbox: its passwords are a person's choice."""
    environment = load_environment(name, root, need_secrets=False, secrets_file=into)
    if environment.hosts and not environment.sandbox:
        raise ConfigError([f"{name}.yml: not a sandbox; write its secrets to env/{name}.secrets (chmod 600)"])
    return _make_up(environment, into, generate)


def _make_up(environment: Environment, into: Path, generate: Callable[[], str]) -> tuple[str, ...]:
    names = lacking(environment)
    if names:
        _append(into, [f"{name}={generate()}" for name in names])
    return names


def _refuse_unreadable(file: Path) -> None:
    _, complaints = read_private(file)
    if complaints:
        raise ConfigError([str(complaint) for complaint in complaints])


def _append(file: Path, lines: Sequence[str]) -> None:
    """Add lines; the file appears with all of them or stays as it was."""
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    gap = "\n" if before and not before.endswith("\n") else ""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(before + gap + "".join(f"{line}\n" for line in lines))
    partial.replace(file)
