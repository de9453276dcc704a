"""Rules for the stack, the secrets, the variables and the logs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..environment import Environment
from ..sizes import size_bytes
from . import limits
from .problem import Problem

EXPRESSION: Final = re.compile(r"\{[{%](.*?)[}%]\}", re.DOTALL)
USED_SECRET: Final = re.compile(r"\bsecrets\s*(?:\.\s*|\[\s*['\"])([A-Za-z_]\w*)")
LEAST_LOG: Final = "1KiB"


def problems(environment: Environment) -> Iterator[Problem]:
    """What contradicts itself in `stack`, `secrets`, `logging` and the variables."""
    yield from limits.problems(environment)
    yield from _ports(environment)
    yield from _passwords(environment)
    yield from _secrets(environment)
    yield from _variables(environment)
    if size_bytes(environment.logging.max_size) < size_bytes(LEAST_LOG):
        message = f"should be at least {LEAST_LOG}, got {environment.logging.max_size}"
        yield Problem(("logging", "max_size"), message)


def _ports(environment: Environment) -> Iterator[Problem]:
    proxy = environment.stack.proxy
    if proxy.http_port == proxy.https_port:
        yield Problem(("stack", "proxy", "https_port"), f"should differ from http_port, got {proxy.https_port} twice")


def _passwords(environment: Environment) -> Iterator[Problem]:
    postgres, redis = environment.stack.postgres, environment.stack.redis
    names = {"postgres": postgres.password_secret if postgres else "", "redis": redis.password_secret if redis else ""}
    declared = ", ".join(environment.secrets) or "none is"
    for store, name in names.items():
        if name and name not in environment.secrets:
            message = f"should be a name that is declared in secrets ({declared})"
            yield Problem(("stack", store, "password_secret"), message)
    value = environment.secret_values.get(names["postgres"])
    if value and re.search(r"[\r\n]", value.reveal()):
        message = f"the value of {names['postgres']} has a line break; Postgres takes only its first line as password"
        yield Problem(("stack", "postgres", "password_secret"), message)


def _secrets(environment: Environment) -> Iterator[Problem]:
    for index, name in enumerate(environment.secrets):
        first = environment.secrets.index(name)
        if first != index:
            yield Problem(("secrets", index), f"given twice, as secrets/{first} too")


def _variables(environment: Environment) -> Iterator[Problem]:
    for name, template in environment.variables.items():
        keys = ("variables", name)
        if name in environment.secrets and "{{" not in template:
            message = f"is a secret; its value belongs in env/{environment.name}.secrets"
            yield Problem(keys, message)
        for secret in secrets_used(template):
            if secret not in environment.secrets:
                yield Problem(keys, f"uses the secret {secret}, which is not declared in secrets")


def secrets_used(template: str) -> tuple[str, ...]:
    """Names of the secrets that the expressions of a variable's template use, each once."""
    expressions = " ".join(EXPRESSION.findall(template))
    return tuple(dict.fromkeys(USED_SECRET.findall(expressions)))
