"""Folders of this product in the user's home: what can be made again, and what cannot."""

from __future__ import annotations

import os
from pathlib import Path

APPLICATION = "autogrowth-ops"


def cache_folder() -> Path:
    """Folder for what can be made again: image archives, compiled templates, the engine's log. It exists."""
    return _folder("XDG_CACHE_HOME", ".cache")


def state_folder() -> Path:
    """Folder of the sandboxes' keys and addresses, readable by this user only. It exists."""
    folder = _folder("XDG_STATE_HOME", ".local/state") / "sandbox"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _folder(variable: str, default: str) -> Path:
    base = os.environ.get(variable)
    folder = (Path(base) if base else Path.home() / default) / APPLICATION
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
