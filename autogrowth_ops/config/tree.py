"""Configuration as it was written: values that remember the file and line they come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Scalar = str | int | float | bool | None


@dataclass(frozen=True, order=True)
class Origin:
    """A file of env/ and a line in it; line 0 is the file as a whole."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, order=True)
class Complaint:
    """One thing to mend and where; prints as `production.yml:14: hosts/prod1/port: should be …`."""

    origin: Origin
    text: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.text}"


@dataclass(frozen=True)
class Entry:
    """A value, a list or a mapping, with the place of its key."""

    origin: Origin
    value: Scalar | tuple[Entry, ...] | Mapping[str, Entry]


def merge(base: Entry, over: Entry) -> Entry:
    """`base` with `over` put on top: mappings merge, everything else is replaced."""
    if not (isinstance(base.value, Mapping) and isinstance(over.value, Mapping)):
        return over
    merged = {key: merge(base.value[key], entry) if key in base.value else entry for key, entry in over.value.items()}
    origin = over.origin if over.origin.line else base.origin
    return Entry(origin, {**base.value, **merged})


def children(entry: Entry) -> Mapping[str, Entry]:
    """The entries by key, none if it is no mapping."""
    return entry.value if isinstance(entry.value, Mapping) else {}


def child(entry: Entry, key: str) -> Entry | None:
    """The entry under `key`, None if there is none."""
    return children(entry).get(key)


def nearest(entry: Entry, keys: Iterable[str | int]) -> Entry:
    """The entry that `keys` lead to, or the last one on the way."""
    for key in keys:
        if isinstance(entry.value, tuple) and isinstance(key, int):
            entry = entry.value[key]
        else:
            entry = child(entry, str(key)) or entry
    return entry


def path(keys: Iterable[str | int]) -> str:
    """`hosts/prod1/port`."""
    return "/".join(map(str, keys))
