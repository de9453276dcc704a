"""Fields of a request: parsed or refused, with a reason for each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

LARGEST = Decimal("1e12")
DECIMALS = 8


class Invalid(Exception):
    """The request is understood and refused; `reasons` maps a field to what is wrong with it."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in reasons.items()))
        self.reasons = reasons


def parse(body: bytes, parsers: Mapping[str, Callable[[object], Any]]) -> dict[str, Any]:
    """A JSON object with exactly these fields, parsed. Raise Invalid with all reasons."""
    try:
        given = json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise Invalid({"body": "should be a JSON object"})
    reasons = {name: "unknown field" for name in given if name not in parsers}
    parsed: dict[str, Any] = {}
    for name, parser in parsers.items():
        try:
            parsed[name] = parser(given[name])
        except KeyError:
            reasons[name] = "missing"
        except ValueError as error:
            reasons[name] = str(error)
    if reasons:
        raise Invalid(reasons)
    return parsed


def text(pattern: str, meaning: str) -> Callable[[object], str]:
    """A parser of strings that match `pattern` whole; `meaning` is the reason otherwise."""

    def parser(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"should be {meaning}")
        return value

    return parser


symbol = text(r"[A-Z0-9][A-Z0-9._-]{0,19}", "1 to 20 of A-Z 0-9 . _ -")


def amount(value: object) -> Decimal:
    """A positive decimal, from a JSON number or a string, so that no price passes through a float."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        raise ValueError("should be a number")
    try:
        number = Decimal(value)
    except (InvalidOperation, ValueError):
        raise ValueError("should be a number") from None
    if not number.is_finite() or not 0 < number <= LARGEST:
        raise ValueError(f"should be above 0 and at most {plain(LARGEST)}")
    if int(number.normalize().as_tuple().exponent) < -DECIMALS:
        raise ValueError(f"should have at most {DECIMALS} decimals")
    return number


def number_between(value: str, lowest: float, highest: float, name: str) -> float:
    """A query parameter as a number in this range. Raise Invalid."""
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not lowest <= number <= highest:
        raise Invalid({name: f"should be a number from {lowest:g} to {highest:g}"})
    return number


def plain(number: object) -> str:
    """A number from any database as plain decimal text: 101.50 and 101.5 are both 101.5."""
    return format(Decimal(str(number)).normalize(), "f")
