"""Engines observe hosts and plan; `engine_for` is the only place that asks which one an environment uses."""

from __future__ import annotations

from typing import Protocol

from ..clock import Clock
from ..model.environment import Environment
from ..model.observation import Observation
from ..model.plan import Plan
from ..remote import Remote
from .request import Change


class Engine(Protocol):
    """What runs the containers of an environment."""

    def variables(self) -> dict[str, str]:
        """Shell variables every script on a host starts with."""

    def observe(self, remote: Remote, clock: Clock) -> Observation:
        """What is on the host, in one trip; changes nothing."""

    def tidy(self, change: Change) -> Plan:
        """Steps that take away what a deploy that was cut off has left; none if there is nothing."""

    def plan(self, change: Change) -> Plan:
        """Steps that put a release live. Pure: the same change gives the same steps."""


def engine_for(environment: Environment) -> Engine:
    """The engine of this environment."""
    from .compose import ComposeEngine

    engines = {"compose": ComposeEngine}
    return engines[environment.engine](environment)
