"""The quality gate: the application's own tests, in the operator's checkout, before anything is sent."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from ..errors import RolloutFailed
from ..model.event import Event
from ..model.masking import masker
from ..model.plan import Command
from ..model.release import Version
from ..session import Session

LAST_LINES = 50
NOT_FOUND = 127  # as `env` ends
TITLE = "the application's tests"


def run_gate(session: Session, version: Version, *, skip: bool) -> Literal["passed", "skipped", "none"]:
    """Run the test command on exactly what is deployed. Raise RolloutFailed with its last lines if it fails.

    What stands in the working folder is tested there; another commit in a copy of its own."""
    app = session.environment.app
    if not app.test_command:
        return "none"
    if skip:
        session.note("tests skipped, which is recorded")
        return "skipped"
    session.watch(Event("", TITLE, "started"))
    began = session.clock.monotonic()
    with ExitStack() as stack:
        folder = session.source.folder
        if version.ref != "HEAD":
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            session.source.export(version.tree, folder)
        _run(session, _with_this_python(app.test_command), folder)
    session.watch(Event("", TITLE, "done", session.clock.monotonic() - began))
    return "passed"


def _with_this_python(words: Command) -> Command:
    return (sys.executable, *words[1:]) if words[0] in ("python", "python3") else words


def _without_secrets(words: Command, names: Sequence[str]) -> Command:
    """Tests have no use for the secrets that the process environment may hold."""
    return ("env", *(word for name in names for word in ("-u", name)), *words)


def _run(session: Session, words: Command, folder: Path) -> None:
    limit = session.environment.app.test_timeout_seconds
    try:
        outcome = subprocess.run(
            _without_secrets(words, session.environment.secrets),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _failed(
            session, f"not done within {limit} s (app/test_timeout_seconds)", _lines(error.output or b"")
        ) from error
    if outcome.returncode == NOT_FOUND:
        raise _failed(session, f"{words[0]}: not found; app/test_command names it", [])
    if outcome.returncode:
        raise _failed(session, f"exit code {outcome.returncode}", _lines(outcome.stdout))


def _lines(output: bytes) -> list[str]:
    return output.decode(errors="replace").splitlines()[-LAST_LINES:]


def _failed(session: Session, why: str, details: list[str]) -> RolloutFailed:
    session.watch(Event("", TITLE, "failed"))
    mask = masker(session.environment.secret_values.values())
    return RolloutFailed(
        f"{session.source.folder}: the application's tests failed: {why}; nothing was sent, what served still serves",
        [mask(line) for line in details],
    )
