"""Rules for what containers may use."""

from __future__ import annotations

from collections.abc import Iterator

from ..environment import Environment, Limits
from ..sizes import size_bytes
from .problem import Keys, Problem

LEAST_MEMORY = "6MiB"


def problems(environment: Environment) -> Iterator[Problem]:
    """Limits that Docker refuses."""
    for keys, limits in _all_limits(environment):
        yield from _of_one(keys, limits)


def _all_limits(environment: Environment) -> Iterator[tuple[Keys, Limits]]:
    stack = environment.stack
    for name, service in environment.app.services.items():
        yield ("app", "services", name, "limits"), service.limits
    yield ("stack", "proxy", "limits"), stack.proxy.limits
    if stack.postgres:
        yield ("stack", "postgres", "limits"), stack.postgres.limits
    if stack.redis:
        yield ("stack", "redis", "limits"), stack.redis.limits


def _of_one(keys: Keys, limits: Limits) -> Iterator[Problem]:
    if size_bytes(limits.memory) < size_bytes(LEAST_MEMORY):
        yield Problem((*keys, "memory"), f"should be at least {LEAST_MEMORY}, Docker's minimum, got {limits.memory}")
    if limits.reserved_memory and size_bytes(limits.reserved_memory) > size_bytes(limits.memory):
        message = f"should be at most memory ({limits.memory}), got {limits.reserved_memory}"
        yield Problem((*keys, "reserved_memory"), message)
    if limits.reserved_cpus > limits.cpus:
        message = f"should be at most cpus ({limits.cpus:g}), got {limits.reserved_cpus:g}"
        yield Problem((*keys, "reserved_cpus"), message)
