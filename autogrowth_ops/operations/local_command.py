"""A command of the project on this machine, in a process group of its own, for so long and no longer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..model.plan import Command

LAST_LINES = 50
GRACE_SECONDS = 2
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True)
class Limit:
    """Seconds a command may take, and the keys of env/ that say so and that name the command."""

    seconds: float
    key: str
    words_key: str


@dataclass(frozen=True)
class Ended:
    """How a command ended: `problem` is empty if it went well; `lines` are the last ones it printed."""

    problem: str
    lines: tuple[str, ...] = ()


def run_here(
    words: Command,
    folder: Path,
    limit: Limit,
    *,
    variables: Mapping[str, str] = NOTHING,
    without: Sequence[str] = (),
    stdin: str = "",
) -> Ended:
    """Run the words in `folder`, with `variables` added to the environment and those in `without` taken out.
    `python` is the one that runs this.

    At the limit, or if this process is interrupted, the whole process group is ended. Files take the place of pipes: a
    command that reads nothing, or leaves something running behind it, holds nobody up."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as given:
        given.write(stdin.encode(errors="replace"))
        given.seek(0)
        try:
            process = subprocess.Popen(
                _with_this_python(words),
                cwd=folder,
                env={**{name: value for name, value in os.environ.items() if name not in without}, **variables},
                stdin=given,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            why = "not found" if isinstance(error, FileNotFoundError) else str(error.strerror).lower()
            return Ended(f"{words[0]}: {why}; {limit.words_key} names it")
        problem = _wait(process, limit)
        said.seek(0)
        lines = said.read().decode(errors="replace").splitlines()
        return Ended(problem, tuple(lines[-LAST_LINES:]))


def _wait(process: subprocess.Popen[bytes], limit: Limit) -> str:
    try:
        code = process.wait(limit.seconds)
    except subprocess.TimeoutExpired:
        _end_group(process)
        return f"not done within {limit.seconds:g} s ({limit.key})"
    except BaseException:
        _end_group(process)
        raise
    return f"exit code {code}" if code else ""


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _with_this_python(words: Command) -> Command:
    return (sys.executable, *words[1:]) if words[0] in ("python", "python3") else words
