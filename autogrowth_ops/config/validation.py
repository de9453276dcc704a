"""Entries become an Environment, or sentences that say what should be there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, Literal, get_args, get_origin

from annotated_types import Interval

from autogrowth_ops.model.environment import Environment
from autogrowth_ops.model.rules.problem import Keys
from autogrowth_ops.model.written import Written

from .schema import Kind, filled_keys, keys_of, kind_at, range_text
from .suggestion import did_you_mean, meant_or_known
from .tree import Complaint, Entry, nearest, path, plain, pruned

LONGEST_SHOWN: Final = 60
OF_A_KEY: Final = "[key]"
SHAPES: Final = {
    "dataclass_type": "keys and values",
    "dict_type": "keys and values",
    "tuple_type": "a list such as [a, b]",
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
}


def validated(root: Entry) -> tuple[Environment | None, tuple[Complaint, ...]]:
    """The environment that `root` describes, None if the schema refuses it, with every reason."""
    from pydantic import ValidationError

    filled = dict(_filled(root, ()))
    complaints = tuple(filled.values())
    root = pruned(root, filled)
    try:
        return _adapter().validate_json(json.dumps(plain(root)), strict=True), complaints
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        return None, (*complaints, *(_complaint(root, one["type"], one["loc"]) for one in found))


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Environment)


def _filled(entry: Entry, keys: Keys) -> Iterator[tuple[Keys, Complaint]]:
    """Keys that the reader fills in but a file gives."""
    if not isinstance(entry.value, Mapping) or not _exists(keys):
        return
    kind = kind_at(keys)
    for name, filled in (filled_keys(kind.type) if kind.is_section() else {}).items():
        if name in entry.value:
            message = f"{path((*keys, name))}: is filled {filled.source}; take it out"
            yield (*keys, name), Complaint(entry.value[name].origin, message)
    for key, child in entry.value.items():
        yield from _filled(child, (*keys, key))


def _exists(keys: Keys) -> bool:
    try:
        kind_at(keys)
    except KeyError:
        return False
    return True


def _complaint(root: Entry, error: str, keys: Keys) -> Complaint:
    is_key = keys[-1:] == (OF_A_KEY,)
    keys = keys[:-1] if is_key else keys
    entry = nearest(root, keys)
    if error == "unexpected_keyword_argument":
        text = f"unknown key{meant_or_known(str(keys[-1]), keys_of(kind_at(keys[:-1]).type))}"
    elif error == "missing":
        text = _missing(kind_at(keys))
    elif is_key:
        text = f"should be named with {_written(kind_at(keys[:-1]).key())}"
    else:
        text = _should_be(error, kind_at(keys), entry)
    where = f"{path(keys)}: " if keys else ""
    return Complaint(entry.origin, f"{where}{text}")


def _missing(kind: Kind) -> str:
    return f"missing; {kind.doc()}" if kind.doc() else "missing"


def _should_be(error: str, kind: Kind, entry: Entry) -> str:
    if error in ("too_short", "string_too_short"):
        return "should not be empty"
    wanted = _wanted(error, kind)
    if kind.is_private():
        return f"should be {wanted}"
    hint = did_you_mean(str(entry.value), _choices(kind)) if error == "literal_error" else ""
    return f"should be {wanted}, got {shown(entry)}{hint}"


def _wanted(error: str, kind: Kind) -> str:
    interval = kind.first(Interval)
    if error == "literal_error":
        return " or ".join(_choices(kind))
    if error == "string_pattern_mismatch":
        return _written(kind)
    if error in SHAPES:
        return f"{SHAPES[error]}, {range_text(interval)}" if interval else SHAPES[error]
    return range_text(interval) if interval else f"something else ({error})"


def _written(kind: Kind) -> str:
    written = kind.first(Written)
    return written.example if written else "text"


def _choices(kind: Kind) -> Sequence[str]:
    return get_args(kind.type) if get_origin(kind.type) is Literal else ()


def shown(entry: Entry) -> str:
    """The value as a message repeats it, shortened."""
    if entry.value is None:
        return "nothing"
    if isinstance(entry.value, Mapping):
        return "keys and values"
    if isinstance(entry.value, tuple):
        return "a list"
    text = json.dumps(entry.value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
