"""Hooks: commands of the project that hear of a deploy on this machine, and may stop one before it begins."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Literal

from ..errors import INTERRUPTED, OpsError, RolloutFailed, UndoFailed
from ..model.event import Event
from ..model.plan import Command
from ..model.secret import MASK
from ..session import Session
from .local_command import Ended, Limit, run_here
from .outcome import Outcome, Prepared

Facts = Mapping[str, object]
Task = Literal["deploy", "rollback"]
LONGEST_VARIABLE = 4000


def with_hooks(session: Session, task: Task, prepared: Prepared, began: float, act: Callable[[], Outcome]) -> Outcome:
    """What `act` does, told to the hooks; nothing is told where nothing is to be done.

    What `before_deploy` heard of is closed by exactly one of `after_deploy` and `on_failure`. Only `before_deploy` has
    a say: if it fails, RolloutFailed is raised in the place of the deploy. The others change neither outcome nor error.
    """
    hooks = session.environment.hooks
    told = (hooks.before_deploy, hooks.after_deploy, hooks.after_rollback, hooks.on_failure)
    if not prepared.is_needed or not any(told):
        return act()
    facts = _facts(session, task, prepared)
    try:
        if task == "deploy" and hooks.before_deploy:
            _ask(session, "before_deploy", hooks.before_deploy, {**facts, "event": "started", "seconds": 0.0})
        outcome = act()
    except BaseException as error:
        spent = {"seconds": _since(session, began), **_failure(session, error)}
        _tell(session, "on_failure", hooks.on_failure, {**facts, **spent})
        raise
    done = {"event": "done", "seconds": round(outcome.seconds, 3), "exit_code": 0, "timings": outcome.timings}
    after = ("after_deploy", hooks.after_deploy) if task == "deploy" else ("after_rollback", hooks.after_rollback)
    _tell(session, *after, {**facts, **done})
    return outcome


def _facts(session: Session, task: Task, prepared: Prepared) -> dict[str, object]:
    """What every hook hears; a rollback has no commits, none of them is new."""
    environment, change = session.environment, prepared.change
    app = [host.name for host in environment.app_hosts() if host.name in change.observed]
    version, old = change.release.version, change.old_release(app[0])
    is_forward = task == "deploy" and old
    return {
        "command": task,
        "app": environment.app.name,
        "environment": environment.name,
        "rehearsal": environment.sandbox,
        "release": change.release.id,
        "was": change.old(app[0]) or "",
        "commit": version.commit,
        "subject": version.subject,
        "hosts": app,
        "by": session.who,
        "reason": "",
        "details": [],
        "exit_code": None,
        "commits": session.source.commits_between(old.version.commit, version.commit) if is_forward and old else [],
        "timings": {},
    }


def _failure(session: Session, error: BaseException) -> Facts:
    if isinstance(error, OpsError):
        code, reason = error.exit_code, str(error)
    elif isinstance(error, KeyboardInterrupt):
        code, reason = INTERRUPTED, "interrupted; what was begun is undone"
    else:
        code, reason = OpsError.exit_code, f"{type(error).__name__}: {error}"
    return {
        "event": "needs_person" if isinstance(error, UndoFailed) else "failed",
        "exit_code": code,
        "reason": _masked(session, reason),
        "details": [_masked(session, line) for line in getattr(error, "details", ())],
    }


def _masked(session: Session, text: str) -> str:
    for secret in session.environment.secret_values.values():
        text = text.replace(secret.reveal() or MASK, MASK)
    return text


def _since(session: Session, began: float) -> float:
    return round(session.clock.monotonic() - began, 3)


def _ask(session: Session, name: str, words: Command, facts: Facts) -> None:
    ended = _run(session, name, words, facts)
    if ended.problem:
        raise RolloutFailed(
            f"{session.root}: the hook {name} failed: {ended.problem}; nothing was sent, what served still serves",
            ended.lines,
        )


def _tell(session: Session, name: str, words: Command, facts: Facts) -> None:
    if not words:
        return
    try:
        ended = _run(session, name, words, facts)
    except KeyboardInterrupt:
        ended = Ended("interrupted")
    if ended.problem:
        last = f": {ended.lines[-1]}" if ended.lines else ""
        session.note(f"warning: the hook {name} failed: {ended.problem}{last}")


def _run(session: Session, name: str, words: Command, facts: Facts) -> Ended:
    title, began = f"hook {name}", session.clock.monotonic()
    session.watch(Event("", title, "started"))
    limit = Limit(session.environment.hooks.timeout_seconds, "hooks/timeout_seconds", f"hooks/{name}")
    document = json.dumps(facts, ensure_ascii=False) + "\n"
    state = "failed"
    try:
        ended = run_here(words, session.root, limit, variables=_variables(facts), stdin=document)
        state = "failed" if ended.problem else "done"
    finally:
        session.watch(Event("", title, state, _since(session, began)))
    return ended


def _variables(facts: Facts) -> dict[str, str]:
    """The facts that fit into a word each; lists of lines stand in the document only."""
    found = {**facts, "hosts": " ".join(map(str, _listed(facts["hosts"])))}
    return {
        f"AUTOGROWTH_{key.upper()}": _word(value)
        for key, value in found.items()
        if key not in ("commits", "details", "timings")
    }


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _word(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    return str(value).replace("\0", "")[:LONGEST_VARIABLE]
