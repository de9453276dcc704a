"""Is it well: the API through the proxy and each replica, a real query, a real PING and a write. One trip a host."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote, urlsplit

from ..commands import host as words
from ..engines.door import through_proxy
from ..model.check import Check
from ..model.environment import Environment, Host
from ..model.masking import masker
from ..model.plan import Command
from ..model.secret import Secret
from ..model.texts import text
from ..remote import Remote
from ..render import Renderer
from ..scripts import run_script
from ..session import Session
from .asking import ask_any, why

SECONDS = 60
NAMES = ("api", "postgres", "redis")
DOCKER = "docker"  # a check of its own where it does not answer
REPLICA = "replica:"
ANSWERS = {"postgres": "query answered"}
DETAILS = 500


def health(session: Session) -> tuple[Check, ...]:
    """Every check of every host, in declared order. A host that gives no answer is a failed check of its own.

    Raise HostError if none does."""
    variables = Renderer(session.environment, session.root).variables()

    def look(remote: Remote) -> tuple[Check, ...]:
        return _checks(session, remote, variables)

    found, missing = ask_any(session.remotes.values(), look)
    away = {name: (Check(name, "ssh", "failed", why(name, missing)),) for name in missing}
    return tuple(check for name in session.remotes for check in {**found, **away}[name])


def _checks(session: Session, remote: Remote, variables: Mapping[str, str | Secret]) -> tuple[Check, ...]:
    calls, stdin = questions(session.environment, remote.host, variables)
    result = run_script(remote, calls, session.engine.variables(), timeout_seconds=SECONDS, stdin=stdin)
    return answers(session.environment, remote.host, result.sections())


def questions(
    environment: Environment, host: Host, variables: Mapping[str, str | Secret]
) -> tuple[list[Command], bytes]:
    """What to ask one host, and the standard input that carries the passwords for it."""
    calls = _app_calls(environment) if host.is_app() else []
    data = _data_calls(environment, variables) if host.is_data() else []
    passwords = [base64.b64encode(password.encode()).decode() for _, password in data]
    return [*calls, *(call for call, _ in data)], "".join(f"{password}\n" for password in passwords).encode()


def answers(environment: Environment, host: Host, sections: Mapping[str, tuple[int, str]]) -> tuple[Check, ...]:
    """A check for each answer, without secrets, and one for each replica or datastore that gave none."""
    asked = {name: found for name, found in sections.items() if name in (*NAMES, DOCKER) or name.startswith(REPLICA)}
    mask = masker(environment.secret_values.values())
    checks = [_check(host, name, code, mask(printed)) for name, (code, printed) in asked.items()]
    return (*checks, *_missing(environment, host, checks))


def _app_calls(environment: Environment) -> list[Command]:
    services = environment.app.services
    wanted = [
        f"{name}:{service.port or ''}:{service.health_path if service.port else ''}"
        for name, service in services.items()
    ]
    through = (
        [words.in_section("api", ("ask", *through_proxy(environment)))] if environment.app.public_service() else []
    )
    return [*through, ("ask_replicas", *wanted)]


def _data_calls(environment: Environment, variables: Mapping[str, str | Secret]) -> list[tuple[Command, str]]:
    found: list[tuple[Command, str]] = []
    postgres, redis = environment.stack.postgres, environment.stack.redis
    if postgres:
        url = _url(variables, "postgres", "DATABASE_URL")
        user, database = unquote(url.username or postgres.user), unquote(url.path.lstrip("/")) or postgres.database
        password = unquote(url.password or "") or _secret(environment, postgres.password_secret)
        found.append((words.reading("postgres", ("ask_postgres", "postgres", "5432", user, database)), password))
    if redis:
        url = _url(variables, "redis", "REDIS_URL")
        password = unquote(url.password or "") or _secret(environment, redis.password_secret)
        user = unquote(url.username or "")
        found.append((words.reading("redis", ("ask_redis", "redis", "6379", user)), password))
    return found


def _url(variables: Mapping[str, str | Secret], scheme: str, usual: str) -> SplitResult:
    texts = {name: value.reveal() if isinstance(value, Secret) else value for name, value in variables.items()}
    fitting = [texts.get(usual, ""), *texts.values()]
    return urlsplit(next((url for url in fitting if url.startswith(scheme) and "://" in url), ""))


def _secret(environment: Environment, name: str) -> str:
    found = environment.secret_values.get(name)
    return found.reveal() if found else ""


def _check(host: Host, name: str, code: int, printed: str) -> Check:
    first, _, rest = printed.partition("\n")
    said = ANSWERS.get(name) if code == 0 else None
    details = said or " ".join(rest.split())[:DETAILS] or ("answers" if code == 0 else f"exit code {code}")
    took = int(first) if first.isdigit() else None
    return Check(
        host.name,
        name,
        "passed" if code == 0 else "failed",
        details if first.isdigit() else printed.strip()[:DETAILS],
        took,
    )


def _missing(environment: Environment, host: Host, checks: list[Check]) -> tuple[Check, ...]:
    names = {check.name for check in checks}
    silent = [name for name in _expected(environment, host) if name not in names]
    found = [Check(host.name, name, "failed", text(environment.language, "no answer")) for name in silent]
    can_be_counted = host.is_app() and DOCKER not in names
    for name, service in environment.app.services.items() if can_be_counted else ():
        running = sum(1 for check in checks if check.name.rpartition("-")[0] == f"{REPLICA}{name}")
        if running < service.replicas:
            details = text(environment.language, "containers", running, service.replicas)
            found.append(Check(host.name, f"replicas:{name}", "failed", details))
    return tuple(found)


def _expected(environment: Environment, host: Host) -> tuple[str, ...]:
    """Names of the checks that a host has to answer, beside its replicas."""
    is_asked = {
        "api": host.is_app() and environment.app.public_service(),
        "postgres": host.is_data() and environment.stack.postgres,
        "redis": host.is_data() and environment.stack.redis,
    }
    return tuple(name for name in NAMES if is_asked[name])
