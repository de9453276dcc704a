"""The result of looking at one thing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["passed", "warning", "failed"]


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: `name` is stable ("postgres"), `details` say what was seen, `milliseconds` how long
    it took on the host, None where that means nothing."""

    host: str
    name: str
    verdict: Verdict
    details: str
    milliseconds: int | None = None


def worst(checks: Iterable[Check]) -> Verdict:
    """The gravest verdict; failed if nothing was looked at."""
    found = {check.verdict for check in checks}
    if not found or "failed" in found:
        return "failed"
    return "warning" if "warning" in found else "passed"
