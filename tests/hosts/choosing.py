"""Which tests are usual, and which only `./test thorough` runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

thorough = pytest.mark.thorough


def usually(values: Iterable[Any], *usual: object) -> list[Any]:
    """Values for parametrize, of which only these are tried usually."""
    return [one if one in usual else pytest.param(*_words(one), marks=thorough) for one in values]


def _words(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
