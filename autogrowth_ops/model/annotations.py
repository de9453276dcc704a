"""What the schema says about a key beside its type: within `Annotated[...]`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Doc:
    """What the key means."""

    documentation: str


@dataclass(frozen=True)
class Filled:
    """Marks a key that the reader fills in; the files cannot set it."""

    source: str


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A number must be at least `ge`, or more than `gt` if that is given, and at most `le`."""

    ge: float = 0
    gt: float | None = None
    le: float

    def has(self, number: float) -> bool:
        """Whether `number` is in it; NaN is in none."""
        return (number >= self.ge if self.gt is None else number > self.gt) and number <= self.le


@dataclass(frozen=True)
class NotEmpty:
    """A list or a mapping must have something in it."""


@dataclass(frozen=True)
class Written:
    """A text must match `pattern` as a whole; `example` completes "should be …".

    With `is_shown` false, messages never repeat what was found: it may be a password in the wrong place."""

    pattern: str
    example: str
    is_shown: bool = True

    def or_empty(self) -> Written:
        """The same, with the empty text allowed."""
        return replace(self, pattern=f"({self.pattern})?", example=f"{self.example}, or empty")

    def fits(self, text: str) -> bool:
        """Whether `text` is written like this."""
        return re.fullmatch(self.pattern, text) is not None
