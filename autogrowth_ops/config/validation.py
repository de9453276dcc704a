"""Entries become an Environment, or sentences that say what should be there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from autogrowth_ops.model.annotations import Interval, NotEmpty, Written
from autogrowth_ops.model.environment import Environment
from autogrowth_ops.model.rules.problem import Keys

from .schema import Kind, filled_keys, keys_of, range_text, required_keys
from .suggestion import did_you_mean, meant_or_known
from .tree import Complaint, Entry, children, path

LONGEST_SHOWN: Final = 60
KEYS_AND_VALUES: Final = "keys and values"
SCALARS: Final = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def validated(root: Entry) -> tuple[Environment | None, tuple[Complaint, ...]]:
    """The environment that `root` describes, None if the schema refuses it, with every reason."""
    walk = _Walk()
    environment = walk.value(root, Kind(Environment, ()), ())
    return environment, tuple(walk.complaints)


class _Walk:
    """Builds what entries describe, collecting complaints; after the first it goes on only to find more."""

    def __init__(self) -> None:
        self.complaints: list[Complaint] = []

    def value(self, entry: Entry, kind: Kind, keys: Keys) -> Any:
        """What the model has for `entry`, which `keys` lead to; None if it is refused."""
        if kind.is_optional and entry.value is None:
            return None
        wanted = _wanted(entry.value, kind)
        if wanted:
            return self._refuse(entry, kind, keys, wanted)
        if kind.first(NotEmpty) and not entry.value:
            return self._complain(entry, keys, "should not be empty")
        if kind.is_section():
            return self._section(entry, kind.type, keys)
        inner = kind.inner()
        if inner and isinstance(entry.value, tuple):
            return tuple(self.value(child, inner, (*keys, index)) for index, child in enumerate(entry.value))
        if inner:
            return self._mapping(entry, kind.key(), inner, keys)
        return entry.value if kind.choices() else kind.type(entry.value)  # a float may be written as a whole number

    def _section(self, entry: Entry, section: type, keys: Keys) -> Any:
        known, filled, given = keys_of(section), filled_keys(section), children(entry)
        for key, child in given.items():
            if key in filled:
                self._complain(child, (*keys, key), f"is filled {filled[key].source}; take it out")
            elif key not in known:
                self._complain(child, (*keys, key), f"unknown key{meant_or_known(key, known)}")
        for key in required_keys(section):
            if key not in given:
                self._complain(entry, (*keys, key), f"missing; {known[key].doc()}")
        values = {key: self.value(given[key], kind, (*keys, key)) for key, kind in known.items() if key in given}
        return None if self.complaints else section(**values)

    def _mapping(self, entry: Entry, name: Kind, inner: Kind, keys: Keys) -> Mapping[str, Any]:
        for key, child in children(entry).items():
            wanted = _wanted(key, name)
            if wanted:
                self._complain(child, (*keys, key), f"should be named with {wanted}")
        return {key: self.value(child, inner, (*keys, key)) for key, child in children(entry).items()}

    def _refuse(self, entry: Entry, kind: Kind, keys: Keys, wanted: str) -> None:
        found = "" if kind.is_private() else f", got {shown(entry)}{did_you_mean(str(entry.value), kind.choices())}"
        self._complain(entry, keys, f"should be {wanted}{found}")

    def _complain(self, entry: Entry, keys: Keys, text: str) -> None:
        where = f"{path(keys)}: " if keys else ""
        self.complaints.append(Complaint(entry.origin, f"{where}{text}"))


def _wanted(value: Any, kind: Kind) -> str:
    """What should be there instead of `value`, empty if it is right; what is inside of it is not looked at."""
    interval, written = kind.first(Interval), kind.first(Written)
    if kind.is_section() or kind.is_mapping():
        return "" if isinstance(value, Mapping) else KEYS_AND_VALUES
    if kind.is_list():
        return "" if isinstance(value, tuple) else "a list such as [a, b]"
    if kind.choices():
        return "" if value in kind.choices() else " or ".join(kind.choices())
    if type(value) is not kind.type and not (kind.type is float and type(value) is int):
        return f"{SCALARS[kind.type]}, {range_text(interval)}" if interval else SCALARS[kind.type]
    if interval and not interval.has(value):
        return range_text(interval)
    return written.example if written and not written.fits(value) else ""


def shown(entry: Entry) -> str:
    """The value as a message repeats it, shortened."""
    if entry.value is None:
        return "nothing"
    if isinstance(entry.value, Mapping):
        return KEYS_AND_VALUES
    if isinstance(entry.value, tuple):
        return "a list"
    text = json.dumps(entry.value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
