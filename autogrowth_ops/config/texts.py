"""Text files, read with complaints instead of tracebacks."""

from __future__ import annotations

from pathlib import Path

from .tree import Complaint, Origin

Text = tuple[str, tuple[Complaint, ...]]


def read_text(file: Path) -> Text:
    """Text of `file` without a byte order mark, or why it cannot be had."""
    try:
        return file.read_text(encoding="utf-8-sig"), ()
    except UnicodeDecodeError as error:
        line = file.read_bytes().count(b"\n", 0, error.start) + 1
        return "", (Complaint(Origin(file.name, line), "cannot be read: not UTF-8"),)
    except OSError as error:
        return "", (Complaint(Origin(file.name), f"cannot be read: {(error.strerror or 'unreadable').lower()}"),)
