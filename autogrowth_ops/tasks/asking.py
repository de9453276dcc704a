"""A question to the person at the terminal."""

from __future__ import annotations

import sys

from ..errors import UsageError


def agreed(question: str, otherwise: str) -> bool:
    """Whether the person said yes. Raise UsageError with `otherwise`, which says what to do, where nobody is there."""
    if not sys.stdin.isatty():
        raise UsageError(otherwise)
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
