"""One thing to mend in an environment."""

from __future__ import annotations

from dataclasses import dataclass

Keys = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """`keys` lead to the place, from the top of the file; `message` says what should be there."""

    keys: Keys
    message: str
