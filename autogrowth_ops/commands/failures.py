"""Why a step failed, in one line, and its evidence below: read from what the step printed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

from .frames import Block
from .host import parse_build_failure
from .shell import CRASHED, NOT_HEALTHY

ANSWER, BODY_LETTERS = "last health answer: ", 120
LAST_LINES = 50
DAEMON_SAID = "Error response from daemon: "
CADDYFILE = "templates/Caddyfile.j2"
FULL = "No space left on device"  # what tar, and a build, say behind that is of no use
FRACTION = re.compile(r"\d+\.\d+")


def reason(step: str, code: int | None, text: str, evidence: Sequence[Block] = ()) -> str:
    """The one line that says why; what several containers have in common is said once."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if code == NOT_HEALTHY and evidence:
        return _together((block.name, _answer(block)) for block in evidence)
    if not lines:
        return f"exit code {code}"
    if full := _full_disk(lines):
        return full
    if code == CRASHED and evidence:
        return _crashed(lines, evidence)
    if step == "build":
        return parse_build_failure(text)
    return _caddy_error(lines) or _daemon_error(lines) or lines[-1]


def details(step: str, text: str, evidence: Sequence[Block] = ()) -> list[str]:
    """What the step printed at its end, of a build from the failing instruction on, and each container's evidence."""
    lines = text.splitlines()
    fence = next((number for number, line in enumerate(lines) if re.fullmatch(r"\s*-{3,}\s*", line)), None)
    if step == "build" and fence is not None:
        lines = lines[fence + 1 :]
    found = lines[-LAST_LINES:]
    for block in evidence:
        found += [f"--- {block.name}", *block.text.splitlines()]
    return found


def _answer(block: Block) -> str:
    first = next(iter(block.text.splitlines()), "")
    return first if len(first) <= len(ANSWER) + BODY_LETTERS else f"{first[: len(ANSWER) + BODY_LETTERS - 3]}..."


def _crashed(lines: Sequence[str], evidence: Sequence[Block]) -> str:
    """`web-1 ended with exit code 1` for each, and the last line of each."""
    ends = dict(line.split(" ", 1) for line in lines if " ended with " in line)
    said = [(block.name, (block.text.splitlines() or [""])[-1].strip()) for block in evidence]
    if not all(name in ends for name, _ in said):
        return f"{lines[0]}: {said[0][1]}"
    return _together(((name, f"{ends[name]}: {last}") for name, last in said), between=" ")


def _together(found: Iterable[tuple[str, str]], between: str = ": ") -> str:
    """Names with the same reason behind one another; times such as 0.6 make no difference."""
    groups: dict[str, tuple[list[str], str]] = {}
    for name, why in found:
        groups.setdefault(FRACTION.sub("", why), ([], why))[0].append(name)
    return "; ".join(f"{', '.join(sorted(names))}{between}{why}" for names, why in groups.values())


def _full_disk(lines: Sequence[str]) -> str:
    """What says that a disk is full, "" if nothing does: tar only says how much it could write of a file."""
    for line in lines:
        if line.endswith(FULL):
            return re.sub(r"^(#\d+ )?\d+\.\d+ ", "", line)
        if re.fullmatch(r"tar: .*: Wrote only \d+ of \d+ bytes", line):
            return f"{line}: {FULL}"
    return ""


def _daemon_error(lines: Sequence[str]) -> str:
    """What the Docker daemon answered, "" if it was not asked: behind it only names of containers may stand."""
    said = [line.removeprefix(DAEMON_SAID) for line in lines if line.startswith(DAEMON_SAID)]
    return said[-1] if said else ""


def _caddy_error(lines: Sequence[str]) -> str:
    """What Caddy has against its configuration, "" if it said nothing of the kind."""
    for line in reversed([one for one in lines if one.startswith('{"level":"error"')]):
        try:
            return f"{CADDYFILE}: {json.loads(line)['msg']}"
        except (ValueError, KeyError, TypeError):
            continue
    return ""
