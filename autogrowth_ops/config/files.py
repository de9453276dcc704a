"""The files of env/: which environments there are and where their parts lie."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from autogrowth_ops.errors import ConfigError
from autogrowth_ops.model.written import NAME

from .suggestion import did_you_mean

FOLDER: Final = "env"
SHARED: Final = "base"
EXAMPLE: Final = "example"
VARIABLE: Final = "AUTOGROWTH_ENV"
DEFAULT: Final = "production"


def default_environment_name() -> str:
    """The environment that is meant when none is named: AUTOGROWTH_ENV, or production."""
    return os.environ.get(VARIABLE) or DEFAULT


def environment_names(root: Path) -> tuple[str, ...]:
    """Names of the project's environments, sorted. Raise ConfigError where there is no project."""
    files = environment_folder(root).glob("*.yml")
    return tuple(sorted(file.stem for file in files if file.stem not in (SHARED, EXAMPLE)))


def environment_folder(root: Path) -> Path:
    """The env/ folder of the project at `root`. Raise ConfigError if there is none."""
    folder = root / FOLDER
    if not folder.is_dir():
        raise ConfigError([f"{root}: no project here: there is no folder {FOLDER}/; go to your project's folder"])
    return folder


def environment_file(name: str, root: Path) -> Path:
    """The file that declares the environment `name`. Raise ConfigError if it cannot be one or is not there."""
    folder = environment_folder(root)
    if name == SHARED:
        raise ConfigError([f"{FOLDER}/{SHARED}.yml: holds what all environments share; name one of them"])
    file = folder / f"{name}.yml"
    if Path(name).name != name or not file.is_file():
        raise ConfigError([_no_such(name, root)])
    if not NAME.fits(name):
        raise ConfigError([f"{FOLDER}/{name}.yml: should be named with {NAME.example}"])
    return file


def sources(name: str, root: Path, suffix: str) -> tuple[Path, ...]:
    """Files that make up a part of the environment, the later over the earlier, whether or not they are there."""
    return tuple(root / FOLDER / f"{stem}{suffix}" for stem in (SHARED, name))


def only_host(host: str, declared: Mapping[str, tuple[str, ...]]) -> str:
    """The environment of `declared` (host names by environment) that has `host`.

    Raise ConfigError if none or several have."""
    found = [name for name, hosts in declared.items() if host in hosts]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError([f"{host}: declared in {', '.join(found)}; say which one with --env"])
    known = [f"{one} ({name})" for name, hosts in declared.items() for one in hosts]
    there_are = f"there are: {', '.join(known)}" if known else "no environment declares a host"
    meant = did_you_mean(host, {one for hosts in declared.values() for one in hosts})
    raise ConfigError([f"{host}: no such host; {there_are}{meant}"])


def _no_such(name: str, root: Path) -> str:
    names = environment_names(root)
    there_are = f"there are: {', '.join(names)}" if names else "there are none"
    return f"{FOLDER}/{name}.yml: no such environment; {there_are}{did_you_mean(name, names)}"
