"""A small project in a temporary folder, and a process environment without secrets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autogrowth_ops.config import load_environment
from autogrowth_ops.errors import ConfigError

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def quiet_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine that runs the tests reaches them."""
    for name in ("AUTOGROWTH_ENV", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def project(tmp_path: Path) -> Write:
    """Write files of env/ by name, secrets with mode 0600; gives the project's folder."""

    def write(files: dict[str, str | bytes] | None = None, **texts: str | bytes) -> Path:
        folder = tmp_path / "project" / "env"
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in {**(files or {}), **texts}.items():
            file = folder / (name if "." in name else f"{name}.yml")
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
            file.chmod(0o600 if name.endswith(".secrets") else 0o644)
        return folder.parent

    return write


@pytest.fixture
def refusal() -> Callable[..., tuple[str, ...]]:
    """The problems that loading `production` (or `name`) of a project ends with."""

    def problems(root: Path, overrides: dict[str, str] | None = None, name: str = "production") -> tuple[str, ...]:
        with pytest.raises(ConfigError) as raised:
            load_environment(name, root, overrides or {})
        return raised.value.problems

    return problems
