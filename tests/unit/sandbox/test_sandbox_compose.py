"""Which Docker Compose of this machine is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from autogrowth_ops.sandbox.compose import is_compose_2


def program(folder: Path, name: str, says: str, code: int = 0) -> str:
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    file.chmod(0o755)
    return str(file)


@pytest.mark.parametrize("version", ["2.26.1-4", "v2.40.3", "5.0.1", "v12.0.0"])
def test_compose_2_and_newer_are_taken(tmp_path: Path, version: str):
    assert is_compose_2((program(tmp_path, "docker-compose", version),))


@pytest.mark.parametrize("version", ["1.29.2", "", "docker-compose version 1.29.2", "unknown"])
def test_compose_1_is_not(tmp_path: Path, version: str):
    assert not is_compose_2((program(tmp_path, "docker-compose", version),))


def test_a_client_without_the_plugin_has_none(tmp_path: Path):
    docker = program(tmp_path, "docker", "docker: 'compose' is not a docker command.", code=1)
    assert not is_compose_2((docker, "compose"))


def test_a_program_that_is_not_there_is_none(tmp_path: Path):
    assert not is_compose_2((str(tmp_path / "docker-compose"),))
