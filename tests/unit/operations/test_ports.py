"""Ports of this machine that the development environment wants."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from autogrowth_ops.commands.development import Running
from autogrowth_ops.errors import UsageError
from autogrowth_ops.model.environment import Host
from autogrowth_ops.operations.ports import refuse_taken
from tests.fakes import make_environment

HERE = Host(name="local", address="local")


class Silent:
    """A remote that knows of no container."""

    host = HERE
    trips = 0

    def run(self, script: str, **_: object) -> object:
        from autogrowth_ops.remote import Outcome

        return Outcome(0, "", "")


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_that_somebody_has_is_refused(taken: int):
    with pytest.raises(UsageError, match=f"127.0.0.1:{taken}: taken by another program"):
        refuse_taken(Silent(), make_environment(), {"web": taken}, [])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "ours", [("running", "Up 3 minutes", True), ("restarting", "Restarting (1) 2 seconds ago", False)]
)
def test_a_port_of_a_container_of_ours_is_no_problem(taken: int, ours: tuple[str, str, bool]):
    state, status, is_shown = ours
    running = Running("web", state, status, (taken,) if is_shown else ())
    refuse_taken(Silent(), make_environment(), {"web": taken}, [running])  # type: ignore[arg-type]
