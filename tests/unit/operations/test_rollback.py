from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from autogrowth_ops.operations.rollback import rollback
from autogrowth_ops.session import Session
from autogrowth_ops.source import Source
from tests.conftest import commit
from tests.plans import OLD, OLDER, serving

Open = Callable[..., Session]


def test_a_rollback_names_no_commits_as_if_they_were_new(open_on: Open, tmp_path: Path):
    found = []
    for subject in ("first", "second"):
        (tmp_path / "main.py").write_text(subject)
        commit(tmp_path, subject)
        found.append(Source(tmp_path).version("HEAD", allow_dirty=False))
    releases = (replace(OLDER, version=found[1]), replace(OLD, version=found[0]))
    session = open_on(None, replace(serving(with_older=True), releases=releases), root=tmp_path)
    outcome = rollback(session)
    assert (outcome.release.version.subject, outcome.commits) == ("second", ())
