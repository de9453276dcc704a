"""Rules for the application: its services, its migrations, its folders and its hooks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from ..environment import App, Environment, Migrate, Service
from .problem import Keys, Problem

RESERVED_SERVICES: Final = ("proxy", "postgres", "redis", "migrate")


def problems(environment: Environment) -> Iterator[Problem]:
    """What contradicts itself in `app`, `root` and `hooks`."""
    app = environment.app
    for name, service in app.services.items():
        yield from _service(name, service)
    yield from _public(app)
    yield from _paths(environment)
    if app.migrate:
        yield from _migrate(app.migrate, app)
    if environment.policies.migrate_down == "on_rollback" and not (app.migrate and app.migrate.down):
        message = "should be never without app/migrate/down, the words that take migrations back; got on_rollback"
        yield Problem(("policies", "migrate_down"), message)
    for hook in fields(environment.hooks):
        words = getattr(environment.hooks, hook.name)
        if isinstance(words, tuple) and words and not words[0]:
            yield Problem(("hooks", hook.name, 0), "should not be empty")


def _service(name: str, service: Service) -> Iterator[Problem]:
    keys: Keys = ("app", "services", name)
    if name in RESERVED_SERVICES:
        yield Problem(keys, f"should have another name; {', '.join(RESERVED_SERVICES)} are taken by the stack")
    if service.singleton and service.replicas != 1:
        yield Problem((*keys, "replicas"), f"should be 1 for a singleton, got {service.replicas}")
    if service.command and not service.command[0]:
        yield Problem((*keys, "command", 0), "should not be empty")


def _public(app: App) -> Iterator[Problem]:
    listening = [name for name, service in app.services.items() if service.port]
    public = app.services.get(app.public_service())
    if not app.public and len(listening) > 1:
        yield Problem(("app", "public"), f"missing; several services have a port, name one of {', '.join(listening)}")
    elif app.public and app.public not in listening:
        known = f"one of {', '.join(listening)}" if listening else "but none has"
        yield Problem(("app", "public"), f'should be a service that has a port, {known}; got "{app.public}"')
    elif public and public.singleton:
        keys = ("app", "services", app.public_service(), "singleton")
        yield Problem(keys, "should be false for the public service; requests would fail at every deploy")


def _migrate(migrate: Migrate, app: App) -> Iterator[Problem]:
    keys: Keys = ("app", "migrate")
    if migrate.service and migrate.service not in app.services:
        message = f'should be one of the services {", ".join(app.services)}; got "{migrate.service}"'
        yield Problem((*keys, "service"), message)
    if not migrate.service and not app.public_service():
        yield Problem((*keys, "service"), "missing; no service is public, name one whose variables and limits it gets")
    for key, words in (("command", migrate.command), ("down", migrate.down), ("version", migrate.version)):
        if words and not words[0]:
            yield Problem((*keys, key, 0), "should not be empty")


def _paths(environment: Environment) -> Iterator[Problem]:
    app = environment.app
    inner = app.migrate.paths if app.migrate else ()
    paths: dict[Keys, str] = {("root",): environment.root, ("app", "source"): app.source}
    paths[("app", "dockerfile")] = app.dockerfile
    paths |= {("app", "migrate", "paths", index): path for index, path in enumerate(inner)}
    for keys, path in paths.items():
        if ".." in path.split("/"):
            yield Problem(keys, f'should not contain "..", got "{path}"')
