"""Hooks, as real processes that write down what they hear."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autogrowth_ops.errors import LockHeld, OpsError, RolloutFailed, UndoFailed
from autogrowth_ops.model.environment import App, Environment, Service
from autogrowth_ops.model.event import Event
from autogrowth_ops.model.policies import Hooks
from autogrowth_ops.model.secret import MASK, Secret
from autogrowth_ops.operations.deploy import deploy, prepare
from autogrowth_ops.operations.hooks import with_hooks
from autogrowth_ops.operations.outcome import Outcome
from autogrowth_ops.operations.rollback import rollback
from autogrowth_ops.session import Session
from tests.conftest import commit
from tests.fakes import ScriptedHost, make_environment
from tests.plans import OLD, OLDER, serving

Open = Callable[..., Session]
WRITE = """
import json, os, sys
heard = {"hook": sys.argv[2], "document": json.load(sys.stdin), "folder": os.getcwd()}
heard["variables"] = {name[11:]: text for name, text in os.environ.items() if name.startswith("AUTOGROWTH_")}
with open(sys.argv[1], "a") as file:
    file.write(json.dumps(heard) + "\\n")
sys.exit(int(sys.argv[3]))
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "heard"


def writing(log: Path, name: str, code: int = 0) -> tuple[str, ...]:
    return (sys.executable, "-c", WRITE, str(log), name, str(code))


def all_hooks(log: Path, **changes: Any) -> Hooks:
    names = ("before_deploy", "after_deploy", "after_rollback", "on_failure")
    return Hooks(**{**{name: writing(log, name) for name in names}, **changes})


def with_all(log: Path, **changes: Any) -> Environment:
    return make_environment(hooks=all_hooks(log, **changes))


def heard(log: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def told(log: Path) -> list[tuple[str, str, object]]:
    return [(one["hook"], one["document"]["event"], one["document"]["exit_code"]) for one in heard(log)]


def host(session: Session) -> ScriptedHost:
    return session.remotes["app1"]  # type: ignore[return-value]


def failing(session: Session, step: str = "ready") -> Session:
    host(session).answers("step", step, text="not healthy", code=22)
    return session


def test_a_deploy_that_is_done_is_told_at_its_begin_and_its_end(open_on: Open, log: Path):
    outcome = deploy(open_on(with_all(log), serving()))
    assert told(log) == [("before_deploy", "started", None), ("after_deploy", "done", 0)]
    for one in heard(log):
        document = one["document"]
        assert (document["release"], document["was"], document["hosts"]) == (outcome.release.id, OLD.id, ["app1"])
        assert (document["command"], document["app"], document["environment"], document["by"]) == (
            *("deploy", "shop", "production", "kim"),
        )
    assert heard(log)[1]["document"]["timings"] == outcome.timings


def test_the_facts_are_variables_too(open_on: Open, log: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AUTOGROWTH_TESTS_APP", raising=False)
    outcome = deploy(open_on(with_all(log), serving()))
    done = heard(log)[1]
    assert done["variables"] == {
        "COMMAND": "deploy",
        "EVENT": "done",
        "APP": "shop",
        "ENVIRONMENT": "production",
        "REHEARSAL": "false",
        "RELEASE": outcome.release.id,
        "WAS": OLD.id,
        "COMMIT": outcome.release.version.commit,
        "SUBJECT": "first version",
        "HOSTS": "app1",
        "BY": "kim",
        "SECONDS": "0",
        "EXIT_CODE": "0",
        "REASON": "",
    }
    assert done["folder"] == str(checkout)


def test_the_commits_since_the_last_release_are_told(open_on: Open, log: Path, tmp_path: Path):
    root = tmp_path / "project"
    root.mkdir()
    found = []
    for subject in ("first", "second 한글"):
        (root / "main.py").write_text(subject)
        commit(root, subject)
        found.append(open_on(None, root=root).source.version("HEAD", allow_dirty=False))
    old = replace(serving(), releases=(replace(OLD, version=found[0]),))
    deploy(open_on(with_all(log), old, root=root))
    assert [[line.split(" ", 1)[1] for line in one["document"]["commits"]] for one in heard(log)] == [
        ["second 한글"],
        ["second 한글"],
    ]


def test_a_deploy_that_fails_and_is_undone_is_told(open_on: Open, log: Path):
    with pytest.raises(RolloutFailed) as raised:
        deploy(failing(open_on(with_all(log), serving())))
    assert told(log) == [("before_deploy", "started", None), ("on_failure", "failed", 4)]
    assert heard(log)[1]["document"]["reason"] == heard(log)[1]["variables"]["REASON"] == str(raised.value)


def test_what_needs_a_person_says_so(open_on: Open, log: Path):
    session = failing(open_on(with_all(log), serving()))
    host(session).answers("attempt", "undo-start", text="no space left", code=1)
    with pytest.raises(UndoFailed):
        deploy(session)
    assert told(log)[1] == ("on_failure", "needs_person", 5)


def test_a_rollback_is_told_when_it_is_done(open_on: Open, log: Path):
    rollback(open_on(with_all(log), serving(with_older=True)))
    assert told(log) == [("after_rollback", "done", 0)]
    document = heard(log)[0]["document"]
    assert (document["command"], document["release"], document["was"]) == ("rollback", OLDER.id, OLD.id)
    assert document["commits"] == []


def test_a_rollback_that_fails_needs_a_person(open_on: Open, log: Path):
    with pytest.raises(UndoFailed):
        rollback(failing(open_on(with_all(log), serving(with_older=True))))
    assert told(log) == [("on_failure", "needs_person", 5)]


def test_an_interrupted_deploy_is_told(open_on: Open, log: Path):
    session = open_on(with_all(log), serving())
    host(session).answers("step", "build", raises=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        deploy(session)
    assert told(log)[1] == ("on_failure", "failed", 130)
    assert heard(log)[1]["document"]["reason"].startswith("interrupted")


def test_a_gate_that_fails_is_told(open_on: Open, log: Path):
    app = App(name="shop", services={"web": Service(port=80)}, test_command=("false",))
    with pytest.raises(RolloutFailed):
        deploy(open_on(make_environment(app=app, hooks=all_hooks(log)), serving()))
    assert told(log) == [("before_deploy", "started", None), ("on_failure", "failed", 4)]


def test_a_before_deploy_that_fails_stops_the_deploy_before_a_host_is_changed(open_on: Open, log: Path):
    said_no = ("sh", "-c", "echo a freeze until Monday; exit 3")
    session = open_on(with_all(log, before_deploy=said_no), serving())
    with pytest.raises(RolloutFailed, match="the hook before_deploy failed: exit code 3; nothing was sent") as raised:
        deploy(session)
    assert (raised.value.exit_code, raised.value.details) == (4, ("a freeze until Monday",))
    assert {call[0] for call in host(session).calls()} == {"observe"}
    assert told(log) == [("on_failure", "failed", 4)]


def test_before_deploy_has_no_say_in_a_rollback(open_on: Open, log: Path):
    rollback(open_on(with_all(log, before_deploy=("false",)), serving(with_older=True)))
    assert told(log) == [("after_rollback", "done", 0)]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("sh", "-c", "echo no route to chat; exit 3"), "exit code 3: no route to chat"),
        (("no-such-program",), "no-such-program: not found; hooks/after_deploy names it"),
        (("sleep", "60"), "not done within 1 s (hooks/timeout_seconds)"),
    ],
)
def test_a_hook_behind_a_deploy_changes_nothing_and_is_a_warning(
    open_on: Open, log: Path, events: list[Event], words: tuple[str, ...], problem: str
):
    hooks = Hooks(after_deploy=words, on_failure=writing(log, "on_failure"), timeout_seconds=1)
    assert deploy(open_on(make_environment(hooks=hooks), serving())).changed
    warnings = [event.title for event in events if event.title.startswith("warning")]
    assert warnings == [f"warning: the hook after_deploy failed: {problem}"]
    assert told(log) == []


def test_a_hook_of_a_failure_does_not_hide_the_failure(open_on: Open):
    with pytest.raises(RolloutFailed, match="undone, what served before still serves"):
        deploy(failing(open_on(make_environment(hooks=Hooks(on_failure=("false",))), serving())))


def raising(error: BaseException) -> Callable[[], Outcome]:
    def act() -> Outcome:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "event", "code"),
    [(LockHeld("locked by lee"), "failed", 6), (OpsError("x"), "failed", 1), (ValueError("a defect"), "failed", 1)],
)
def test_whatever_was_announced_is_closed(open_on: Open, log: Path, error: Exception, event: str, code: int):
    session = open_on(with_all(log), serving())
    with pytest.raises(type(error)):
        with_hooks(session, "deploy", prepare(session), 0.0, raising(error))
    assert told(log) == [("before_deploy", "started", None), ("on_failure", event, code)]


def test_secrets_are_not_told(open_on: Open, log: Path):
    hooks, secrets = all_hooks(log), {"TOKEN": Secret("hunter2"), "EMPTY": Secret("")}
    session = open_on(make_environment(hooks=hooks, secret_values=secrets), serving())
    with pytest.raises(RolloutFailed):
        with_hooks(session, "deploy", prepare(session), 0.0, raising(RolloutFailed("no hunter2", ("a", "hunter2!"))))
    assert "hunter2" not in log.read_text()
    document = heard(log)[1]["document"]
    assert (document["reason"], document["details"]) == (f"no {MASK}", ["a", f"{MASK}!"])


def test_what_does_not_fit_into_a_variable_is_cut(open_on: Open, log: Path):
    session = open_on(with_all(log), serving())
    with pytest.raises(RolloutFailed):
        with_hooks(session, "deploy", prepare(session), 0.0, raising(RolloutFailed("x\0" + "y" * 500_000)))
    failed = heard(log)[1]
    assert (len(failed["variables"]["REASON"]), len(failed["document"]["reason"])) == (4000, 500_002)


def test_nothing_is_told_where_nothing_is_done(open_on: Open, log: Path):
    session = open_on(with_all(log), serving())
    nothing = replace(prepare(session), is_needed=False)
    outcome = Outcome(OLD, OLD.id, False, ("app1",))
    assert with_hooks(session, "deploy", nothing, 0.0, lambda: outcome) is outcome
    assert told(log) == []


def test_who_waits_hears_of_the_hooks(open_on: Open, log: Path, events: list[Event]):
    deploy(open_on(with_all(log), serving()))
    assert [(one.title, one.state) for one in events if one.title.startswith("hook")] == [
        *(("hook before_deploy", "started"), ("hook before_deploy", "done")),
        *(("hook after_deploy", "started"), ("hook after_deploy", "done")),
    ]
