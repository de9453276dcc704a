"""What was done on the hosts, by whom and when: each host's audit.jsonl."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from ..commands import host as words
from ..remote import Remote
from ..scripts import run_script
from ..session import Session
from .asking import Missing, ask_any

Entry = Mapping[str, object]


def audit(session: Session, lines: int) -> tuple[tuple[Entry, ...], Missing]:
    """The last `lines` entries of each host, merged by time, and why hosts are missing. Raise HostError if all are.

    Each entry names its host; a line that is cut is passed over."""

    def read(remote: Remote) -> list[dict[str, object]]:
        calls = [words.in_section("audit", ("tail_audit", str(lines)))]
        text = run_script(remote, calls, session.engine.variables(), timeout_seconds=30).sections()["audit"][1]
        return [{"host": remote.host.name, **entry} for entry in map(_entry, text.splitlines()) if entry]

    found, missing = ask_any(session.remotes.values(), read)
    every = (entry for entries in found.values() for entry in entries)
    return tuple(sorted(every, key=lambda entry: str(entry["at"]))), missing


def audited_steps(session: Session, lines: int) -> tuple[tuple[Entry, ...], Missing]:
    """As `audit`, by steps: each as it ended, or as it started if it never did."""
    entries, missing = audit(session, 2 * lines)
    steps = ended(entries)
    hosts = {str(step["host"]) for step in steps}
    newest = [step for host in hosts for step in [one for one in steps if one["host"] == host][-lines:]]
    return tuple(sorted(newest, key=lambda step: str(step["at"]))), missing


def ended(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries without the begin of each step that has an end."""
    found: list[Entry | None] = []
    begun: dict[tuple[object, ...], int] = {}
    for entry in entries:
        key = tuple(entry.get(name) for name in ("host", "release", "step", "by"))
        if entry.get("outcome") == "started":
            begun[key] = len(found)
        elif key in begun:
            found[begun.pop(key)] = None
        found.append(entry)
    return tuple(entry for entry in found if entry)


def _entry(line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) and "at" in found else {}
