"""Sizes as people write them: a number and a binary unit."""

from __future__ import annotations

import re
from typing import Final

UNITS: Final = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
PATTERN: Final = r"[0-9]+(\.[0-9]+)?(KiB|MiB|GiB)"
EXAMPLE: Final = "a size such as 512MiB or 1.5GiB"


def size_bytes(text: str) -> int:
    """Bytes of a size such as `512MiB` or `1.5GiB`, rounded down. Raise ValueError on anything else."""
    if not re.fullmatch(PATTERN, text):
        raise ValueError(f'should be {EXAMPLE}, got "{text}"')
    return int(float(text[:-3]) * UNITS[text[-3:]])


def written_size(size: float) -> str:
    """Bytes as people write them: `1.5 GiB`, `12 KiB`."""
    for unit, step in reversed(UNITS.items()):
        if size >= step:
            return f"{size / step:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size:.0f} B"
