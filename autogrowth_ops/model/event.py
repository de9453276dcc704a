"""What a person who waits is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """Something a person waits for: `state` is started, done, failed or note; `seconds` as measured on the host."""

    host: str
    title: str
    state: str
    seconds: float = 0.0
