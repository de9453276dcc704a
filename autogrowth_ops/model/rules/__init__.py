"""What must hold between the keys of an environment; the schema already says what each may be alone.

application.py, hosts.py and stack.py each give the problems of their part."""

from __future__ import annotations

from ..environment import Environment
from . import application, hosts, stack
from .problem import Problem

__all__ = ["Problem", "problems"]


def problems(environment: Environment) -> tuple[Problem, ...]:
    """Every contradiction in `environment`, none if it can be deployed."""
    return (
        *application.problems(environment),
        *hosts.problems(environment),
        *stack.problems(environment),
    )
