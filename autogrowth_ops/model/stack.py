"""What of the stack belongs on which host, and which secrets are its own."""

from __future__ import annotations

from dataclasses import replace

from .environment import Environment, Host
from .secret import Secret

DATASTORES = ("postgres", "redis")


def stack_services(environment: Environment, host: Host) -> tuple[str, ...]:
    """Services of the stack that run on a host: proxy, postgres, redis."""
    proxy = ("proxy",) if host.is_app() and environment.app.public_service() else ()
    return (*proxy, *(datastores(environment) if host.is_data() else ()))


def every_service(environment: Environment) -> tuple[str, ...]:
    """All services that run anywhere: the application's, then those of the stack."""
    proxy = ("proxy",) if environment.app.public_service() else ()
    return (*environment.app.services, *proxy, *datastores(environment))


def datastores(environment: Environment) -> tuple[str, ...]:
    """Which datastores the stack has."""
    return tuple(name for name in DATASTORES if getattr(environment.stack, name))


def passwords(environment: Environment) -> dict[str, Secret]:
    """The password of each datastore of the stack; an empty one for a Redis without."""
    found = {name: getattr(environment.stack, name).password_secret for name in datastores(environment)}
    return {name: environment.secret_values.get(secret, Secret("")) for name, secret in found.items()}


def password_secrets(environment: Environment) -> frozenset[str]:
    """Names of the secrets that are passwords of the stack's own datastores."""
    stores = (environment.stack.postgres, environment.stack.redis)
    return frozenset(store.password_secret for store in stores if store and store.password_secret)


def without_passwords(environment: Environment) -> Environment:
    """The environment as if the datastores had no passwords: all else that a release depends on."""
    none = dict.fromkeys(password_secrets(environment), Secret(""))
    return replace(environment, secret_values={**environment.secret_values, **none})
