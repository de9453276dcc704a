"""The user's ssh_config with its Include files put in place, which Paramiko's reader does not do."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

_SYSTEM_FILE = Path("/etc/ssh/ssh_config")
_DEEPEST_INCLUDE = 16
_EVERY_HOST = "Host *"


def read_ssh_config() -> str:
    """Text of the user's and the system's ssh_config, in the order in which OpenSSH lets them decide."""
    user = Path("~/.ssh/config").expanduser()
    return "\n".join([*expanded(user), _EVERY_HOST, *expanded(_SYSTEM_FILE), ""])


def expanded(file: Path, depth: int = 0) -> Iterator[str]:
    """Lines of `file` with its includes; after one, the section it stood in goes on. A missing file has none."""
    section = _EVERY_HOST
    for line in _lines(file):
        keyword, _, value = line.strip().replace("=", " ", 1).partition(" ")
        if keyword.lower() != "include":
            section = line if keyword.lower() in ("host", "match") else section
            yield line
        elif depth < _DEEPEST_INCLUDE:
            for included in _included(value, file.parent):
                yield from expanded(included, depth + 1)
            yield section


def _included(value: str, folder: Path) -> Iterator[Path]:
    """Files an Include names: patterns, relative to the folder of the file they stand in."""
    for pattern in shlex.split(value):
        path = folder / Path(pattern).expanduser()
        yield from sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
