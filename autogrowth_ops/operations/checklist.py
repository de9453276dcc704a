"""The daily checklist: read everything in one trip a host, then judge it."""

from __future__ import annotations

from collections.abc import Mapping

from ..commands import host as words
from ..model.checklist import BackupState, LogState, Result, Seen, judge
from ..model.secret import Secret
from ..remote import Remote
from ..render import Renderer
from ..scripts import run_script
from ..session import Session
from .asking import ask_any, why
from .health import answers, questions

SECONDS = 180


def checklist(session: Session) -> tuple[Result, ...]:
    """Every item of every host, in declared order. Raise HostError if none of them answers."""
    variables = Renderer(session.environment, session.root).variables()

    def look(remote: Remote) -> Seen:
        return read(session, remote, variables)

    found, missing = ask_any(session.remotes.values(), look)
    away = {name: (Result(name, "ssh", "failed", why(name, missing)),) for name in missing}
    judged = {name: judge(seen, session.environment) for name, seen in found.items()}
    return tuple(result for name in session.remotes for result in {**judged, **away}[name])


def read(session: Session, remote: Remote, variables: Mapping[str, str | Secret]) -> Seen:
    """What the checklist needs to know of one host."""
    host = remote.host
    asked, stdin = questions(session.environment, host, variables)
    names = ("system", "log_state", "backup_state", "details")
    calls = [words.observe(), *asked, *(words.in_section(name, (name,)) for name in names)]
    found = run_script(remote, calls, session.engine.variables(), timeout_seconds=SECONDS, stdin=stdin).sections()
    now = session.clock.now()
    return Seen(
        host=host.name,
        is_app=host.is_app(),
        is_data=host.is_data(),
        now=now,
        system=_numbers(_text(found, "system") or ""),
        health=answers(session.environment, host, found),
        logs=_logs(_text(found, "log_state")),
        backups=_backups(_text(found, "backup_state")),
        observed=words.parse_observation(host.name, found, now.timestamp()) if found["containers"][0] == 0 else None,
        image_ids={
            fields[0]: fields[-1] for line in found["details"][1].splitlines() if len(fields := line.split()) == 7
        },
    )


def _text(found: Mapping[str, tuple[int, str]], name: str) -> str | None:
    code, text = found.get(name, (1, ""))
    return text if code == 0 else None


def _numbers(text: str) -> dict[str, float]:
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name: float(value) for name, value in pairs if value.replace(".", "", 1).isdigit()}


def _logs(text: str | None) -> tuple[LogState, ...] | None:
    if text is None:
        return None
    rows = [line.split() for line in text.splitlines()]
    return tuple(
        LogState(name, int(size), int(lines), int(errors))
        for name, size, lines, errors in (row for row in rows if len(row) == 4)
    )


def _backups(text: str | None) -> tuple[BackupState, ...] | None:
    if text is None:
        return None
    rows = [line.split(" ", 2) for line in text.splitlines() if line.count(" ") >= 2]
    return tuple(BackupState(path, int(size), float(at)) for at, size, path in rows)
