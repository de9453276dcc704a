"""A project whose host is this machine, with a Docker that never answers: tasks run, nothing is reached."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from invoke import Program

from autogrowth_ops.tasks import collection
from tests.conftest import TESTS

YAML = """
root: {root}
app:
  name: shop
  source: .
  services: {{web: {{port: 8000, replicas: 2}}}}
hosts: {{local: {{address: local}}}}
"""
Inv = Callable[..., int]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's folder."""
    folder = tmp_path / "project"
    (folder / "env").mkdir(parents=True)
    (folder / "env" / "production.yml").write_text(YAML.format(root=tmp_path / "srv"))
    shutil.copy(TESTS.parent / "tasks.py", folder)
    monkeypatch.setenv("PATH", f"{_programs(tmp_path / 'bin')}:{os.environ['PATH']}")
    return folder


def _programs(folder: Path) -> Path:
    """A Docker without a daemon, and a sleep that takes no time."""
    folder.mkdir()
    for name, text in {"docker": "echo 'Cannot connect to the Docker daemon' >&2; exit 1", "sleep": ":"}.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def idle_docker(project: Path, tmp_path: Path) -> None:
    """A Docker that answers, and has nothing."""
    (tmp_path / "bin" / "docker").write_text("#!/bin/sh\n")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The environment's folder on the host, which is this machine."""
    folder = tmp_path / "srv" / "shop" / "production"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def inv(project: Path) -> Iterator[Inv]:
    """Run a task in this process; its exit code."""
    before = signal.getsignal(signal.SIGTERM)

    def inv(*words: str) -> int:
        with pytest.raises(SystemExit) as ended:
            Program(namespace=collection(project)).run(["inv", *words])
            raise SystemExit(0)
        return int(ended.value.code or 0)

    yield inv
    signal.signal(signal.SIGTERM, before)
