"""Files of `NAME=value` lines, as .env files are written: the only place that parses them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Final

from .texts import read_text
from .tree import Complaint, Origin

LINE_BREAK: Final = re.compile(r"\r\n|\n|\r")
VALID_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Binding:
    """One line's value, which may be a secret: it stays out of `repr`."""

    origin: Origin
    value: str

    def __repr__(self) -> str:
        return f"Binding({self.origin})"


Bindings = dict[str, Binding]


def read_bindings(file: Path) -> tuple[Bindings, tuple[Complaint, ...]]:
    """Values by name, nothing is interpolated; a file that is not there has none. No complaint shows a value."""
    if not file.exists():
        return {}, ()
    text, unreadable = read_text(file)
    bindings: Bindings = {}
    complaints = list(unreadable)
    for origin, name, value in _lines(text, file.name):
        problem = _problem(name, value, bindings)
        if problem:
            complaints.append(Complaint(origin, problem))
        else:
            bindings[name] = Binding(origin, value or "")
    return bindings, tuple(complaints)


def _lines(text: str, file: str) -> Iterator[tuple[Origin, str, str | None]]:
    """Place, name and value of each line that has any; the name of one that cannot be parsed is empty."""
    from dotenv.parser import parse_stream

    for binding in parse_stream(StringIO(text)):
        original = binding.original.string
        blank = original[: len(original) - len(original.lstrip())]
        origin = Origin(file, binding.original.line + len(LINE_BREAK.findall(blank)))
        if binding.error or binding.key is not None:
            yield origin, binding.key or "", binding.value


def _problem(name: str, value: str | None, bindings: Bindings) -> str:
    if not name:
        return "cannot be read: should be NAME=value; close quotes, and quote values with line breaks"
    if not VALID_NAME.fullmatch(name):
        return "cannot be read: the name should have only letters, digits and underscores, a letter first"
    if name in bindings:
        return f"{name}: given twice, first in line {bindings[name].origin.line}"
    if value is None:
        return "cannot be read: no = on this line; write NAME= for an empty value"
    if "\0" in value:
        return f"{name}: should not contain a zero byte"
    return ""
