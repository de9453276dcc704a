"""A project whose environment is this machine, with a Docker that never answers: tasks run, nothing is reached."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from invoke import Program

from autogrowth_ops.tasks import collection

YAML = """
root: {root}
app:
  name: shop
  source: .
  services: {{web: {{port: 8000, replicas: 2}}}}
"""
Inv = Callable[..., int]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's folder."""
    folder = tmp_path / "project"
    (folder / "env").mkdir(parents=True)
    (folder / "env" / "production.yml").write_text(YAML.format(root=tmp_path / "srv"))
    (folder / "tasks.py").write_text(
        "from pathlib import Path\nfrom autogrowth_ops.tasks import collection\nns = collection(Path(__file__).parent)\n"
    )
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}:{os.environ['PATH']}")
    return folder


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
