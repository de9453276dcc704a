"""The schema of the model, looked up by path: what stands at `hosts/*/port`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from autogrowth_ops.model.annotations import Doc, Filled, Interval, Written
from autogrowth_ops.model.environment import Environment
from autogrowth_ops.model.rules.problem import Keys

T = TypeVar("T")


@dataclass(frozen=True)
class Kind:
    """One annotation, unwrapped: the type inside, what was said about it, and whether it may be left out."""

    type: Any
    said: tuple[object, ...]
    is_optional: bool = False

    def first(self, sought: type[T]) -> T | None:
        """The first thing of this type that was said, None if there is none."""
        return next((one for one in self.said if isinstance(one, sought)), None)

    def doc(self) -> str:
        """What the value means."""
        found = self.first(Doc)
        return found.documentation if found else ""

    def inner(self) -> Kind | None:
        """Kind of the elements of a list or of the values of a mapping."""
        if self.is_list():
            return kind_of(get_args(self.type)[0])
        return kind_of(get_args(self.type)[1]) if self.is_mapping() else None

    def key(self) -> Kind:
        """Kind of the keys of a mapping."""
        return kind_of(get_args(self.type)[0])

    def choices(self) -> tuple[str, ...]:
        """The only texts it may be, none if there are others."""
        return get_args(self.type) if get_origin(self.type) is Literal else ()

    def is_list(self) -> bool:
        """Whether it is any number of elements."""
        return get_origin(self.type) is tuple

    def is_mapping(self) -> bool:
        """Whether it has keys that the user chooses."""
        return get_origin(self.type) is Mapping

    def is_section(self) -> bool:
        """Whether it has keys that the schema names."""
        return is_dataclass(self.type)

    def is_private(self) -> bool:
        """Whether what stands here may be a password in the wrong place."""
        inner, written = self.inner(), self.first(Written)
        return bool(written and not written.is_shown) or bool(inner and inner.is_private())


def kind_of(hint: Any) -> Kind:
    """The annotation, unwrapped."""
    said: list[object] = []
    is_optional = False
    while True:
        if get_origin(hint) is Annotated:
            said = [*hint.__metadata__, *said]
            hint = hint.__origin__
        elif get_origin(hint) in (Union, UnionType):
            is_optional = True
            hint = next(one for one in get_args(hint) if one is not NoneType)
        else:
            return Kind(hint, tuple(said), is_optional)


@cache
def _kinds(section: type) -> Mapping[str, Kind]:
    return {field.name: kind_of(field.type) for field in fields(section)}


def keys_of(section: type) -> Mapping[str, Kind]:
    """Kinds of the keys that a file may give to `section`, in the order of the schema."""
    return {name: kind for name, kind in _kinds(section).items() if not kind.first(Filled)}


def filled_keys(section: type) -> Mapping[str, Filled]:
    """Keys of `section` that the reader fills in, with where it takes them from."""
    return {name: one for name, kind in _kinds(section).items() for one in kind.said if isinstance(one, Filled)}


def required_keys(section: type) -> tuple[str, ...]:
    """Keys of `section` that have no default."""
    return tuple(one.name for one in fields(section) if one.default is MISSING and one.default_factory is MISSING)


def kind_at(keys: Keys) -> Kind:
    """Kind of the value that `keys` lead to. Raise KeyError if the schema has none there."""
    kind = Kind(Environment, ())
    for key in keys:
        inner = keys_of(kind.type)[str(key)] if kind.is_section() else kind.inner()
        if inner is None:
            raise KeyError(key)
        kind = inner
    return kind


def range_text(interval: Interval) -> str:
    """`1 to 65535`, or `more than 0, up to 1024`."""
    if interval.gt is not None:
        return f"more than {interval.gt}, up to {interval.le}"
    return f"{interval.ge} to {interval.le}"
