"""Real hosts for the tests: sandbox hosts of their own, shared by all of them and removed at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from autogrowth_ops.model.environment import Host
from autogrowth_ops.remote import FabricRemote
from autogrowth_ops.sandbox import hosts as sandbox
from autogrowth_ops.sandbox.hosts import SandboxHost

from .project import APP, Project, make_project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with one sandbox host, on which a first release serves."""
    made = make_project(Path(tmp_path_factory.mktemp("project")) / "project", APP)
    was_there = bool(sandbox.find(f"{APP}-sandbox"))
    made.inv("sandbox.up", "--env=sandbox")
    made.inv("deploy", "--env=sandbox", "--skip-tests")
    yield made
    if not was_there:
        made.inv("sandbox.down", "--env=sandbox")


@pytest.fixture
def host(project: Project) -> SandboxHost:
    """The project's sandbox host."""
    return sandbox.find(f"{project.app}-sandbox")[0]


@pytest.fixture
def remote(host: SandboxHost) -> Iterator[FabricRemote]:
    """A connection to the project's sandbox host."""
    opened = connect(host)
    yield opened
    opened.close()


def connect(host: SandboxHost, user: str = "") -> FabricRemote:
    """A connection to a sandbox host."""
    return FabricRemote(
        Host(
            name=host.name,
            address=host.address,
            port=host.port,
            user=user or host.user,
            identity_file=str(host.identity_file),
            known_hosts=str(host.known_hosts),
        ),
        10,
    )
