"""Sessions on scripted hosts, with the application's source in a git checkout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autogrowth_ops.model.environment import Environment
from autogrowth_ops.model.event import Event
from autogrowth_ops.model.observation import Observation
from autogrowth_ops.session import Session
from tests.fakes import FIT, ScriptedHost, make_environment, make_session


@pytest.fixture
def events() -> list[Event]:
    """What a person who waits was told."""
    return []


@pytest.fixture
def open_on(checkout: Path, events: list[Event]) -> Callable[..., Session]:
    """A session on hosts that are as observed; one that is not told of is new and fit. Steps and undos succeed."""

    def open_on(environment: Environment | None = None, *observed: Observation, root: Path | None = None) -> Session:
        chosen = environment or make_environment()
        seen = {name: Observation(name, FIT) for name in chosen.hosts} | {one.host: one for one in observed}
        hosts = [
            ScriptedHost(host).shows(seen[name]).answers("step").answers("attempt")
            for name, host in chosen.hosts.items()
        ]
        return make_session(chosen, root or checkout, hosts, watch=events.append)

    return open_on
