"""Values of the secrets: from files that only their owner can read and from the process environment."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from autogrowth_ops.model.environment import Environment
from autogrowth_ops.model.secret import Secret

from .bindings import Bindings, read_bindings
from .suggestion import did_you_mean
from .tree import Complaint, Origin

PLACEHOLDER: Final = Secret("not-loaded")
LOOKS_LIKE_A_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")


def secret_values(names: Sequence[str], found: Mapping[str, str]) -> Mapping[str, Secret]:
    """The declared secrets in their order; one without a value is PLACEHOLDER."""
    return {name: Secret(found[name]) if found.get(name) else PLACEHOLDER for name in names}


def lacking(environment: Environment) -> tuple[str, ...]:
    """Names of the secrets that have no value, as declared."""
    return tuple(name for name, value in environment.secret_values.items() if value is PLACEHOLDER)


def read_secrets(file: Path, names: Sequence[str] | None) -> tuple[Bindings, tuple[Complaint, ...]]:
    """Values in `file` by name; complains about an open file and about names that `names` lacks (None: no check)."""
    bindings, complaints = read_private(file)
    known = bindings if names is None else names
    strangers = [Complaint(bindings[name].origin, _undeclared(name, known)) for name in bindings if name not in known]
    return bindings, (*complaints, *strangers)


def read_private(file: Path) -> tuple[Bindings, tuple[Complaint, ...]]:
    """Values in `file` by name; nothing and a complaint if others may read it."""
    if not file.exists():
        return {}, ()
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        remedy = f"chmod 600 {file.parent.name}/{file.name}"
        return {}, (Complaint(Origin(file.name), f"readable by others (mode {mode:04o}); run: {remedy}"),)
    return read_bindings(file)


def with_secrets_of(environment: Environment, file: Path) -> Environment:
    """The environment with what `file` has for secrets that have no value; nothing of it is demanded or refused."""
    found, _ = read_private(file)
    known = {name: Secret(found[name].value) for name in lacking(environment) if name in found and found[name].value}
    return replace(environment, secret_values={**environment.secret_values, **known})


def from_process(names: Sequence[str]) -> Mapping[str, str]:
    """Values that the process environment has for `names`; empty ones count as missing."""
    return {name: os.environ[name] for name in names if os.environ.get(name)}


def missing(names: Sequence[str], found: Mapping[str, str], file: Path) -> tuple[Complaint, ...]:
    """One complaint about all secrets without a value."""
    unknown = ", ".join(name for name in names if not found.get(name))
    remedy = f"write NAME=value lines to {file.parent.name}/{file.name} (chmod 600) or export them"
    return (Complaint(Origin(file.name), f"no value for {unknown}; {remedy}"),) if unknown else ()


def _undeclared(name: str, known: Sequence[str] | Bindings) -> str:
    """A broken line can make a part of a value look like a name: only what is clearly one is repeated."""
    shown = f"{name}: " if LOOKS_LIKE_A_NAME.fullmatch(name) else ""
    return f"{shown}not declared in secrets{did_you_mean(name, known)}"
