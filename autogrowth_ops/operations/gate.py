"""The quality gate: the application's own tests, in the operator's checkout, before anything is sent."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from ..errors import RolloutFailed
from ..model.event import Event
from ..model.masking import masker
from ..model.release import Version
from ..session import Session
from .local_command import Limit, run_here

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
        _test(session, folder)
    session.watch(Event("", TITLE, "done", session.clock.monotonic() - began))
    return "passed"


def _test(session: Session, folder: Path) -> None:
    app = session.environment.app
    limit = Limit(app.test_timeout_seconds, "app/test_timeout_seconds", "app/test_command")
    ended = run_here(app.test_command, folder, limit, without=session.environment.secrets)
    if ended.problem:
        session.watch(Event("", TITLE, "failed"))
        mask = masker(session.environment.secret_values.values())
        raise RolloutFailed(
            f"{session.source.folder}: the application's tests failed: {ended.problem}; "
            "nothing was sent, what served still serves",
            [mask(line) for line in ended.lines],
        )
