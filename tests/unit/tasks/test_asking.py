from __future__ import annotations

import os
import pty
from collections.abc import Iterator

import pytest

from autogrowth_ops.errors import UsageError
from autogrowth_ops.tasks.asking import agreed


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """What is written here is typed at the terminal that is standard input."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, encoding="utf-8") as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        yield ours
    os.close(ours)


@pytest.mark.parametrize(
    ("typed", "expected"), [(b"y\n", True), (b"YES\n", True), (b"n\n", False), (b"\n", False), (b"\x04", False)]
)
def test_only_a_yes_is_one(keyboard: int, capsys: pytest.CaptureFixture[str], typed: bytes, expected: bool):
    os.write(keyboard, typed)
    assert agreed("really?", "nobody is there") is expected
    assert capsys.readouterr() == ("", "really? [y/N] ")


def test_where_nobody_is_the_way_without_asking_is_named():
    with pytest.raises(UsageError, match="say --yes"):
        agreed("really?", "say --yes")
