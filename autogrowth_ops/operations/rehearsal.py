"""Stand-ins: throwaway sandbox hosts in the place of an environment's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..errors import HostUnready, UsageError
from ..model.environment import Environment


def sandbox_name(app: str, environment: str) -> str:
    """Name of the sandbox that stands in for an environment."""
    return f"{app}-{environment}"


def load(name: str, root: Path, *, sandbox: bool, need_secrets: bool, need_hosts: bool = False) -> Environment:
    """The environment; with stand-ins for its hosts if it is a sandbox itself or `sandbox` asks for them.

    A sandbox's secrets that have no value are made up once and kept beside its keys. Raise UsageError if hosts are
    needed and it has none; no secret is asked for before."""
    from ..config import PLACEHOLDER, load_environment, with_made_up_secrets, with_secrets_of

    declared = load_environment(name, root, need_secrets=False)
    if need_hosts and not declared.hosts:
        raise UsageError(f"{name}.yml: no hosts: it runs on this machine; run: inv dev.up --env={name}")
    if declared.sandbox or sandbox:
        fill = with_made_up_secrets if need_secrets else with_secrets_of
        found = with_stand_ins(fill(declared, secrets_file(sandbox_name(declared.app.name, name))))
        return replace(found, is_rehearsal=not declared.sandbox)
    if need_secrets and PLACEHOLDER in declared.secret_values.values():
        return load_environment(name, root)  # it tells all that is wrong, the missing values too
    return declared


def with_stand_ins(environment: Environment) -> Environment:
    """The environment with each host replaced by its sandbox host. Raise HostUnready if one is not up."""
    from ..sandbox import hosts

    found = {host.name: host for host in hosts.running(sandbox_name(environment.app.name, environment.name))}
    missing = [name for name in environment.hosts if name not in found]
    if missing:
        raise HostUnready(f"{', '.join(missing)}: no sandbox host runs; run: inv sandbox.up --env={environment.name}")
    return replace(
        environment,
        sandbox=True,
        hosts={
            name: replace(
                host,
                address=found[name].address,
                port=found[name].port,
                user=found[name].user,
                identity_file=str(found[name].identity_file),
                known_hosts=str(found[name].known_hosts),
                private_address=found[name].private_address,
            )
            for name, host in environment.hosts.items()
        },
    )


def up(environment: Environment, report: Callable[[str], None], *, bare: bool = False) -> None:
    """Start a sandbox host for every host of the environment, with the base images its files name."""
    from ..sandbox import engine, images, lifecycle

    engine.ensure_engine(report)
    wanted = () if bare else base_images(environment)
    if not bare:
        images.ensure_base_images(report)
    names = tuple(environment.hosts)
    lifecycle.up(sandbox_name(environment.app.name, environment.name), names, bare=bare, images=wanted, report=report)


def base_images(environment: Environment) -> tuple[str, ...]:
    """Images that the environment's hosts pull."""
    stack = environment.stack
    named = [environment.app.python, stack.proxy.image]
    named += [one.image for one in (stack.postgres, stack.redis) if one]
    return tuple(dict.fromkeys(named))


def secrets_file(sandbox: str) -> Path:
    """Where a sandbox's made-up secrets are kept."""
    from ..sandbox.state import state_of

    return state_of(sandbox).folder / "secrets"


def urls(environment: Environment) -> dict[str, str]:
    """Where each app host's proxy answers, by host name."""
    proxy = environment.stack.proxy
    if environment.sandbox:
        from ..sandbox.state import state_of

        found = {host.name: host for host in state_of(sandbox_name(environment.app.name, environment.name)).hosts()}
        return {
            host.name: f"http://127.0.0.1:{found[host.name].http_port}"
            for host in environment.app_hosts()
            if host.name in found
        }
    port = "" if proxy.http_port == 80 else f":{proxy.http_port}"
    return {
        host.name: f"https://{proxy.domains[0]}" if proxy.domains else f"http://{host.address}{port}"
        for host in environment.app_hosts()
    }
