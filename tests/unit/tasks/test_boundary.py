from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import pytest
from invoke import Collection, Context, Exit, Program

from autogrowth_ops.errors import (
    CommandTimedOut,
    ConfigError,
    HostsFailed,
    HostUnready,
    LockHeld,
    OpsError,
    RolloutFailed,
    Serves,
    UndoFailed,
    Unhealthy,
    Unreachable,
    UsageError,
)
from autogrowth_ops.tasks.boundary import end_without, ops_task


@pytest.fixture(autouse=True)
def same_signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def code_of(error: BaseException, *options: str) -> int:
    @ops_task(common=("json",))
    def fail(context: Context, json: bool = False) -> None:
        """Fail."""
        raise error

    with pytest.raises(SystemExit) as ended:
        Program(namespace=Collection(fail)).run(["inv", "fail", *options])
    return int(ended.value.code)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OpsError("x"), 1),
        (UsageError("x"), 2),
        (ConfigError(["a", "b"]), 2),
        (Unreachable("x"), 3),
        (CommandTimedOut("x"), 3),
        (HostUnready("x"), 3),
        (HostsFailed({"app1": Unreachable("x"), "app2": RuntimeError("y")}, ()), 3),
        (HostsFailed({"app1": Unreachable("x"), "app2": RolloutFailed("y")}, ()), 4),
        (RolloutFailed("x"), 4),
        (UndoFailed("x"), 5),
        (LockHeld("x"), 6),
        (Unhealthy("x"), 7),
        (ValueError("x"), 1),
        (KeyboardInterrupt(), 130),
        (Exit(code=9), 9),
    ],
)
def test_each_family_of_errors_has_its_exit_code(error: BaseException, code: int):
    assert code_of(error) == code


def test_an_error_is_told_on_stderr_with_its_details(capsys: pytest.CaptureFixture[str]):
    code_of(RolloutFailed("app1: build failed: no space\nand more", ["line 1", "line 2"]))
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "error: app1: build failed: no space\n       and more\n  line 1\n  line 2\n")


@pytest.mark.parametrize(
    ("error", "document"),
    [
        (RolloutFailed("no", ["why"]), {"exit_code": 4, "message": "no", "details": ["why"]}),
        (KeyboardInterrupt(), {"exit_code": 130, "message": "interrupted", "details": []}),
        (KeyError("x"), {"exit_code": 1, "message": "a defect in autogrowth_ops: KeyError: 'x'", "details": []}),
    ],
)
def test_a_failing_task_with_json_prints_one_document_too(
    capsys: pytest.CaptureFixture[str], error: BaseException, document: dict[str, object]
):
    code_of(error, "--json")
    said = capsys.readouterr()
    assert json.loads(said.out) == {"error": document}
    assert said.err.startswith("error: ")


def mixed() -> UndoFailed:
    error = UndoFailed("app2: start web failed", ["why"])
    error.hosts = (Serves("app1", "new", "old"), Serves("app2", None, None), Serves("app3", None, "old", "refused"))
    return error


def test_who_serves_what_stands_between_the_message_and_the_evidence(capsys: pytest.CaptureFixture[str]):
    code_of(mixed())
    assert capsys.readouterr().err.splitlines() == [
        "error: app2: start web failed",
        "host  serves     was",
        "app1  new        old",
        "app2  nothing    nothing",
        "app3  not known  old",
        "  why",
    ]


def test_who_serves_what_is_in_the_document_too(capsys: pytest.CaptureFixture[str]):
    assert code_of(mixed(), "--json") == 5
    assert json.loads(capsys.readouterr().out)["error"]["hosts"] == [
        {"host": "app1", "serves": "new", "was": "old", "problem": ""},
        {"host": "app2", "serves": None, "was": None, "problem": ""},
        {"host": "app3", "serves": None, "was": "old", "problem": "refused"},
    ]


def test_hosts_that_gave_no_answer_are_named_behind_what_the_others_said(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(Exit) as ended:
        end_without({"app1": Unreachable("app1: refused"), "app2": Unreachable("app2: lost")})
    assert (ended.value.code, capsys.readouterr()) == (3, ("", "error: app1: refused\n       app2: lost\n"))


def test_nothing_is_said_when_every_host_answered():
    end_without({})


def test_an_error_without_words_names_its_kind(capsys: pytest.CaptureFixture[str]):
    code_of(Unhealthy())
    assert capsys.readouterr().err == "error: Unhealthy\n"


def test_a_defect_is_one_line_without_a_trace(capsys: pytest.CaptureFixture[str]):
    code_of(KeyError("oops"))
    assert capsys.readouterr().err.startswith(
        "error: a defect in autogrowth_ops: KeyError: 'oops'; set AUTOGROWTH_DEBUG=1"
    )


def test_the_trace_of_a_defect_comes_on_demand(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AUTOGROWTH_DEBUG", "1")
    code_of(KeyError("oops"))
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_is_told(capsys: pytest.CaptureFixture[str]):
    code_of(KeyboardInterrupt())
    assert capsys.readouterr().err.startswith("error: interrupted")


def test_sigterm_ends_like_ctrl_c():
    @ops_task(common=())
    def wait(context: Context) -> None:
        """Be told to end."""
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()

    with pytest.raises(SystemExit) as ended:
        Program(namespace=Collection(wait)).run(["inv", "wait"])
    assert ended.value.code == 130


def test_a_task_keeps_name_words_and_options():
    @ops_task(common=("env", "dry-run"), help={"other": "its own"})
    def exec_(context: Context, env: str = "", dry_run: bool = False, other: str = "") -> None:
        """Words."""

    assert (exec_.name, exec_.__doc__, set(exec_.help)) == ("exec", "Words.", {"env", "dry-run", "other"})
