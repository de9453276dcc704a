"""Configuration as it was written: values that remember the file and line they come from."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from autogrowth_ops.model.rules.problem import Keys

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


def pruned(entry: Entry, dropped: Container[Keys], keys: Keys = ()) -> Entry:
    """`entry`, which `keys` lead to, without what the paths in `dropped` lead to."""
    if not isinstance(entry.value, Mapping):
        return entry
    inner = {key: one for key, one in entry.value.items() if (*keys, key) not in dropped}
    return Entry(entry.origin, {key: pruned(one, dropped, (*keys, key)) for key, one in inner.items()})


def child(entry: Entry, key: str) -> Entry | None:
    """The entry under `key`, None if there is none."""
    return entry.value.get(key) if isinstance(entry.value, Mapping) else None


def nearest(entry: Entry, keys: Iterable[str | int]) -> Entry:
    """The entry that `keys` lead to, or the last one on the way."""
    for key in keys:
        if isinstance(entry.value, tuple) and isinstance(key, int):
            entry = entry.value[key]
        else:
            entry = child(entry, str(key)) or entry
    return entry


def plain(entry: Entry) -> Any:
    """The bare values, as JSON has them."""
    if isinstance(entry.value, Mapping):
        return {key: plain(child) for key, child in entry.value.items()}
    if isinstance(entry.value, tuple):
        return [plain(child) for child in entry.value]
    return entry.value


def path(keys: Iterable[str | int]) -> str:
    """`hosts/prod1/port`."""
    return "/".join(map(str, keys))
