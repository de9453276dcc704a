"""Scripts for a host: words are quoted here and nowhere else."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from ..model.plan import Command

CRASHED = 21
NOT_HEALTHY = 22
LOCKED = 6
PARTS = (
    "frames",
    "observing",
    "lock",
    "sending",
    "stack",
    "passwords",
    "containers",
    "migrating",
    "readiness",
    "switching",
    "baking",
    "retiring",
    "records",
    "health",
    "watching",
    "checklist",
)


def quoted(words: Command) -> str:
    """The words as one line of POSIX shell."""
    return shlex.join(words)


@cache
def library() -> str:
    """The shell functions that scripts call, without comments."""
    folder = files("autogrowth_ops.commands").joinpath("library")
    text = "".join(folder.joinpath(f"{part}.sh").read_text(encoding="utf-8") for part in PARTS)
    return re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)


def script(calls: Sequence[Command], variables: Mapping[str, str]) -> str:
    """A script that sets `variables`, then makes each call; `calls` stop at the first failing step."""
    assignments = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([*assignments, library(), *map(quoted, calls)]) + "\n"
