from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autogrowth_ops.errors import RolloutFailed
from autogrowth_ops.model.environment import App, Service
from autogrowth_ops.model.event import Event
from autogrowth_ops.model.secret import MASK, Secret
from autogrowth_ops.operations.gate import run_gate
from autogrowth_ops.session import Session
from tests.conftest import commit
from tests.fakes import make_environment

Open = Callable[..., Session]


def gate(open_on: Open, *words: str, root: Path | None = None, ref: str = "HEAD", **limits: int) -> str:
    app = App(name="shop", services={"web": Service(port=80)}, test_command=words, **limits)
    session = open_on(make_environment(app=app), root=root)
    return run_gate(session, session.source.version(ref, allow_dirty=True), skip=False)


def test_without_a_test_command_there_is_no_gate(open_on: Open):
    assert gate(open_on) == "none"


def test_python_is_the_one_that_runs_this(open_on: Open, tmp_path: Path):
    words = ("python", "-c", f"import sys; sys.exit(sys.executable != {sys.executable!r})")
    assert gate(open_on, *words) == "passed"


def test_the_working_folder_is_tested_where_it_stands(open_on: Open, checkout: Path):
    assert gate(open_on, "sh", "-c", f'test "$PWD" = "{checkout}"') == "passed"


def test_another_commit_is_tested_in_a_copy_of_its_own(open_on: Open, tmp_path: Path):
    (tmp_path / "main.py").write_text("one")
    commit(tmp_path, "first")
    (tmp_path / "main.py").write_text("two")
    commit(tmp_path, "second")
    assert gate(open_on, "grep", "one", "main.py", root=tmp_path, ref="HEAD~1") == "passed"
    assert (tmp_path / "main.py").read_text() == "two"


def test_the_tests_get_no_secrets(open_on: Open, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TOKEN", "hunter2")
    app = App(name="shop", services={"web": Service(port=80)}, test_command=("sh", "-c", 'test -z "${TOKEN-}"'))
    session = open_on(make_environment(app=app, secrets=("TOKEN",)))
    assert run_gate(session, session.source.version("HEAD", allow_dirty=True), skip=False) == "passed"


def test_what_failing_tests_print_has_no_secrets(open_on: Open):
    app = App(name="shop", services={"web": Service(port=80)}, test_command=("sh", "-c", "echo hunter2; exit 1"))
    session = open_on(make_environment(app=app, secret_values={"TOKEN": Secret("hunter2")}))
    with pytest.raises(RolloutFailed) as raised:
        run_gate(session, session.source.version("HEAD", allow_dirty=True), skip=False)
    assert raised.value.details == (MASK,)


def test_who_waits_hears_of_the_tests(open_on: Open, events: list[Event]):
    gate(open_on, "true")
    assert [event.state for event in events] == ["started", "done"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("no-such-program",), "no-such-program: not found; app/test_command names it"),
        (("sh", "-c", "exit 3"), "exit code 3"),
        (("sleep", "30"), r"not done within 0.1 s \(app/test_timeout_seconds\)"),
    ],
)
def test_tests_that_fail_say_why(open_on: Open, events: list[Event], words: tuple[str, ...], problem: str):
    with pytest.raises(RolloutFailed, match=f"{problem}; nothing was sent, what served still serves"):
        gate(open_on, *words, test_timeout_seconds=0.1)
    assert events[-1].state == "failed"


def test_only_the_last_lines_of_a_failing_gate_are_told(open_on: Open):
    with pytest.raises(RolloutFailed) as raised:
        gate(open_on, "sh", "-c", "seq 60; exit 1")
    assert (raised.value.details[0], len(raised.value.details)) == ("11", 50)
