"""Values of options, checked before a host is asked. Invoke itself ends with a traceback when a number is none."""

from __future__ import annotations

import re
from datetime import datetime

from ..errors import UsageError

DURATION = re.compile(r"(\d+[smh])+")
INSTANT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?)?")


def number(option: str, text: str, *, most: int | None = None) -> int:
    """A whole number from 1 on, up to `most`. Raise UsageError naming the option."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= (most or int(text)):
        limit = f"1 to {most}" if most else "1 or more"
        raise UsageError(f'{option}: should be a whole number, {limit}, got "{text}"')
    return int(text)


def tail(text: str) -> str:
    """How many lines, or `all`, as Docker takes it. Raise UsageError on anything else."""
    if text == "all" or (text.isascii() and text.isdigit()):
        return text
    raise UsageError(f'--tail: should be a number of lines or all, got "{text}"')


def since(text: str) -> str:
    """How far back, as Docker takes it: a length of time or an instant. Raise UsageError on anything else."""
    if not text or DURATION.fullmatch(text) or (INSTANT.fullmatch(text) and _is_instant(text)):
        return text
    raise UsageError(f'--since: should be like 10m, 2h, 2026-11-23 or 2026-11-23T10:00:00Z, got "{text}"')


def _is_instant(text: str) -> bool:
    whole = re.sub(r"\.\d+", "", text).replace("Z", "+00:00")
    try:
        datetime.fromisoformat(whole)
    except ValueError:
        return False
    return True
