"""The environment as a release knew it: its own services, ports and limits of time, whatever the files say today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from .environment import Environment, Service
from .release import Release

KEPT = ("port", "health_path", "replicas", "singleton", "start_timeout_seconds", "stop_grace_seconds")


def services_of(environment: Environment) -> dict[str, dict[str, object]]:
    """What a release's record keeps of the services."""
    return {name: {key: getattr(one, key) for key in KEPT} for name, one in environment.app.services.items()}


def as_of(environment: Environment, release: Release | None) -> Environment:
    """The environment with the services of that release; as it is for a record that has none."""
    if release is None or not release.services:
        return environment
    services = {name: _service(kept) for name, kept in release.services.items()}
    return replace(environment, app=replace(environment.app, services=services, public=release.public))


def _service(kept: Mapping[str, object]) -> Service:
    return Service(**{key: value for key, value in kept.items() if key in KEPT})  # type: ignore[arg-type]


def public_port(environment: Environment) -> int:
    """The port behind the proxy; 0 if nothing stands there."""
    name = environment.app.public_service()
    return (environment.app.services[name].port or 0) if name else 0
