"""Passwords of the datastores: whether they have to be set, and what becomes of a release that has old ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from secrets import token_bytes

from ..commands import host as words
from ..errors import UsageError
from ..model import stack
from ..model.environment import Environment
from ..model.observation import Observation
from ..model.passwords import SALT_BYTES, fingerprint, postgres_verifier, redis_verifier
from ..model.plan import RenderedFile
from ..model.release import Release, ReleaseId
from ..model.rules.stack import secrets_used
from ..render import SECRET_MODE
from ..session import Session

Observed = Mapping[str, Observation]


def wanted(environment: Environment) -> str:
    """The name of the passwords that the datastores are to have; "" if the stack has none."""
    return fingerprint(stack.passwords(environment), environment.project)


def secret_variables(environment: Environment) -> dict[str, str]:
    """Variables made with secrets, as they are written in env/, by name."""
    return {name: text for name, text in environment.variables.items() if secrets_used(text)}


def to_set(environment: Environment, observed: Observed, passwords: str) -> dict[str, tuple[RenderedFile, ...]]:
    """What gives the datastores these passwords, by host; nothing where they have them."""
    host = environment.data_host()
    if not passwords or not host or host.name not in observed:
        return {}
    is_new = observed[host.name].lacks(stack.datastores(environment), even_stopped=True)
    if not is_new and _in_force(environment, observed) == passwords:
        return {}
    return {host.name: _verifiers(environment)}


def with_present(session: Session, observed: Observed, target: Release) -> tuple[Release, dict[str, tuple[str, ...]]]:
    """The release with the passwords in force; if its own are old ones, by host a release that has those, and the names
    of the variables to take from there.

    Raise UsageError where that cannot be: its variables are written otherwise than those of the ones that have them."""
    present = _in_force(session.environment, observed)
    if not target.passwords or not present or target.passwords == present:
        return target, {}
    concerned = _with_passwords(session.environment, target)
    sources = {
        host.name: _source(observed[host.name], target, concerned, present)
        for host in session.environment.app_hosts()
        if host.name in observed
    }
    if None in sources.values():
        raise UsageError(
            f"{target.id}: the passwords of the datastores were changed after it, and {', '.join(concerned)} cannot be "
            "given the present ones, written otherwise as they are; deploy its commit with today's configuration: "
            f"inv deploy {session.environment.options} --version={target.version.commit[:12]}"
        )
    renewed = {name: (source, *concerned) for name, source in sources.items() if source}
    return replace(target, passwords=present), renewed


def _in_force(environment: Environment, observed: Observed) -> str:
    """The name of the passwords that the datastores have, once a change that was cut off is ended."""
    data = environment.data_host()
    serving = (one.release(one.serving()) for one in observed.values())
    of_serving = next((release.passwords for release in serving if release), "")
    seen = observed.get(data.name) if data else None
    return seen.passwords if seen and seen.passwords and not seen.is_rotating() else of_serving


def _with_passwords(environment: Environment, release: Release) -> tuple[str, ...]:
    ours = stack.password_secrets(environment)
    return tuple(name for name, text in release.secret_variables.items() if ours & set(secrets_used(text)))


def _source(observed: Observation, target: Release, concerned: Collection[str], present: str) -> ReleaseId | None:
    """The newest release of the host that has the passwords, in variables that are written alike."""

    def fits(one: Release) -> bool:
        is_whole = one.state == "good" or one.id == observed.serving()
        is_alike = all(one.secret_variables.get(name) == target.secret_variables[name] for name in concerned)
        return is_whole and one.passwords == present and is_alike

    return next((one.id for one in reversed(observed.releases) if fits(one)), None)


def _verifiers(environment: Environment) -> tuple[RenderedFile, ...]:
    made = []
    for name, password in stack.passwords(environment).items():
        if name == "postgres" and environment.stack.postgres:
            verifier = postgres_verifier(password, token_bytes(SALT_BYTES))
            text = words.postgres_password(environment.stack.postgres.user, verifier)
        else:
            text = f"{redis_verifier(password)}\n"
        made.append(RenderedFile(name, text, SECRET_MODE))
    return tuple(made)
