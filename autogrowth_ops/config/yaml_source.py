"""YAML 1.2 becomes entries with lines: the only place that parses it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from .texts import read_text
from .tree import Complaint, Entry, Origin, Scalar, merge, path

DEEPEST: Final = 30
MOST_ENTRIES: Final = 20_000
LARGEST: Final = 2**63
YAML_TAG: Final = "tag:yaml.org,2002:"
TEXT_TAGS: Final = ("str", "timestamp")
HINTS: Final = {
    "'\\t'": "indent with spaces, not tabs",
    "cannot start any token": "put the value in quotes",
    "mapping values are not allowed here": "indent keys of one section alike, and quote values that contain a colon",
    "another document": "one document is enough",
}
OVERRIDE: Final = "override"
Parsed = tuple[Entry | None, tuple[Complaint, ...]]


def read_yaml(file: Path) -> Parsed:
    """Entries of one file, None if it cannot be read at all, and what is wrong with its writing."""
    text, complaints = read_text(file)
    if complaints:
        return None, complaints
    return parse_yaml(text, file.name)


def parse_yaml(text: str, name: str) -> Parsed:
    """Entries of `text`; a file without any is an empty mapping. `name` stands in the complaints."""
    root, complaints = _parse(text, name)
    if root is None or isinstance(root.value, Mapping):
        return root, complaints
    if root.value is None:
        return Entry(Origin(name, 1), {}), complaints
    return None, (*complaints, Complaint(root.origin, "should be keys and values, such as app:"))


def parse_overrides(overrides: Mapping[str, str]) -> Parsed:
    """Entries of `{"policies.keep_releases": "3"}`: keys joined by dots, values in YAML."""
    merged, complaints = Entry(Origin(OVERRIDE), {}), []
    for dotted, text in overrides.items():
        keys = dotted.split(".")
        entry, found = _parse(text, OVERRIDE)
        complaints += [Complaint(Origin(OVERRIDE), f"{path(keys)}: {complaint.text}") for complaint in found]
        if not all(keys):
            complaints.append(Complaint(Origin(OVERRIDE), f'"{dotted}": should be keys joined by dots'))
        elif entry:
            merged = merge(merged, _nested(keys, _without_lines(entry)))
    return merged, tuple(complaints)


def _nested(keys: list[str], entry: Entry) -> Entry:
    for key in reversed(keys):
        entry = Entry(entry.origin, {key: entry})
    return entry


def _without_lines(entry: Entry) -> Entry:
    origin = Origin(entry.origin.file)
    if isinstance(entry.value, Mapping):
        return Entry(origin, {key: _without_lines(child) for key, child in entry.value.items()})
    if isinstance(entry.value, tuple):
        return Entry(origin, tuple(map(_without_lines, entry.value)))
    return Entry(origin, entry.value)


def _parse(text: str, name: str) -> Parsed:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    yaml = YAML(typ="safe", pure=True)
    builder = _Builder(name, yaml.constructor)
    try:
        return builder.root(yaml.compose(text)), tuple(builder.complaints)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return None, (Complaint(Origin(name, line), f"cannot be read: {_why(error)}"),)
    except YAMLError as error:  # its reader complains without a line
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        return None, (Complaint(Origin(name, line), "cannot be read: holds a character that YAML does not allow"),)
    except (RecursionError, _TooMuch):
        return None, (Complaint(Origin(name, 1), "cannot be read: holds too much, or is nested too deeply"),)


def _why(error: Any) -> str:
    problem = " ".join(str(word) for word in (error.context, error.problem) if word)
    hint = next((hint for sign, hint in HINTS.items() if sign in problem), "")
    return f"{problem}; {hint}" if hint else problem


class _TooMuch(Exception):
    """More than any configuration holds; aliases can make it endless."""


class _Builder:
    """Turns ruamel's nodes into entries, collecting complaints."""

    def __init__(self, name: str, constructor: Any) -> None:
        self._name = name
        self._constructor = constructor
        self._count = 0
        self.complaints: list[Complaint] = []

    def root(self, node: Any) -> Entry:
        if node is None:
            return Entry(Origin(self._name, 1), None)
        return self.entry(node, Origin(self._name, node.start_mark.line + 1), ())

    def entry(self, node: Any, origin: Origin, keys: tuple[str, ...]) -> Entry:
        tag = str(node.tag).removeprefix(YAML_TAG)
        self._count += 1
        if len(keys) > DEEPEST or self._count > MOST_ENTRIES:
            raise _TooMuch
        if tag == "map":
            return Entry(origin, dict(self._children(node, keys)))
        if tag == "seq":
            return Entry(origin, tuple(self._items(node, keys)))
        if isinstance(node.value, str):
            return self._scalar(node, tag, origin, keys)
        return self._refuse(origin, keys, f"should be without the tag {node.tag}")

    def _items(self, node: Any, keys: tuple[str, ...]) -> Iterator[Entry]:
        for index, item in enumerate(node.value):
            yield self.entry(item, Origin(self._name, item.start_mark.line + 1), (*keys, str(index)))

    def _children(self, node: Any, keys: tuple[str, ...]) -> Iterator[tuple[str, Entry]]:
        seen: dict[str, int] = {}
        for key, value in node.value:
            origin = Origin(self._name, key.start_mark.line + 1)
            if not isinstance(key.value, str) or not _is_text(key.value):
                self._refuse(origin, keys, "should have texts as keys; put values that begin with { or [ in quotes")
            elif key.value in seen:
                self._refuse(origin, (*keys, key.value), f"given twice, first in line {seen[key.value]}")
            else:
                seen[key.value] = origin.line
                yield key.value, self.entry(value, origin, (*keys, key.value))

    def _scalar(self, node: Any, tag: str, origin: Origin, keys: tuple[str, ...]) -> Entry:
        if tag in TEXT_TAGS and _is_text(node.value):
            return Entry(origin, node.value)
        if tag not in ("null", "bool", "int", "float"):
            return self._refuse(origin, keys, "should be a plain text, number, true or false")
        try:
            value: Scalar = self._constructor.construct_object(node)
        except (ValueError, LookupError):
            return self._refuse(origin, keys, "should be a plain text, number, true or false")
        if isinstance(value, int) and abs(value) >= LARGEST:
            return self._refuse(origin, keys, "should be a smaller number")
        return Entry(origin, value)

    def _refuse(self, origin: Origin, keys: tuple[str, ...], message: str) -> Entry:
        where = f"{path(keys)}: " if keys else ""
        self.complaints.append(Complaint(origin, f"{where}{message}"))
        return Entry(origin, None)


def _is_text(text: str) -> bool:
    """Whether every character is whole; an escape may give half of one."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
