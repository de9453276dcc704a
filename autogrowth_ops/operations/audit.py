"""What was done on the hosts, by whom and when: each host's audit.jsonl."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..commands import host as words
from ..remote import Remote, on_hosts
from ..scripts import run_script
from ..session import Session


def audit(session: Session, lines: int) -> tuple[Mapping[str, object], ...]:
    """The last `lines` entries of each host, merged by time; each names its host. A line that is cut is passed over."""

    def read(remote: Remote) -> list[dict[str, object]]:
        calls = [words.in_section("audit", ("tail_audit", str(lines)))]
        text = run_script(remote, calls, session.engine.variables(), timeout_seconds=30).sections()["audit"][1]
        return [{"host": remote.host.name, **entry} for entry in map(_entry, text.splitlines()) if entry]

    found = on_hosts(tuple(session.remotes.values()), read, at_once=len(session.remotes))
    return tuple(sorted((entry for entries in found.values() for entry in entries), key=lambda entry: str(entry["at"])))


def _entry(line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) and "at" in found else {}
