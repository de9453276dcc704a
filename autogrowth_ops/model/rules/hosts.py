"""Rules for the hosts: their roles, and the ways between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..environment import Environment, Host
from .problem import Problem

PRIVATE_NETWORKS: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
SSH_PORT: Final = 22


def problems(environment: Environment) -> Iterator[Problem]:
    """What contradicts itself in `hosts`."""
    for name, host in environment.hosts.items():
        yield from _host(name, host)
    yield from _twins(environment)
    if environment.hosts:
        yield from _roles(environment)


def is_private(address: str) -> bool:
    """Whether `address` is an IP address that only a private network routes; shared space (100.64/10) counts."""
    from ipaddress import ip_address, ip_network

    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in ip_network(network) for network in PRIVATE_NETWORKS)


def _host(name: str, host: Host) -> Iterator[Problem]:
    if host.address.count(":") == 1:
        address, _, port = host.address.partition(":")
        message = f'should be without a port; write address: {address} and port: {port}, got "{host.address}"'
        yield Problem(("hosts", name, "address"), message)
    if host.private_address and not is_private(host.private_address):
        networks = ", ".join(PRIVATE_NETWORKS)
        message = f'should be an IP address in a private network ({networks}), got "{host.private_address}"'
        yield Problem(("hosts", name, "private_address"), message)


def _twins(environment: Environment) -> Iterator[Problem]:
    seen: dict[tuple[str, int], str] = {}
    for name, host in environment.hosts.items():
        place = (host.address.lower(), host.port or SSH_PORT)
        first = seen.setdefault(place, name)
        if first != name:
            message = f"should not be the place of {first} too, got {place[0]} port {place[1]} twice"
            yield Problem(("hosts", name, "address"), message)


def _roles(environment: Environment) -> Iterator[Problem]:
    datastores = [name for name, host in environment.hosts.items() if host.is_data()]
    if not environment.app_hosts():
        yield Problem(("hosts",), "missing: a host with the role app")
    if len(datastores) > 1:
        message = f"should have the role data once, datastores live on one host; got {', '.join(datastores)}"
        yield Problem(("hosts", datastores[1], "roles"), message)
    if environment.stack.postgres or environment.stack.redis:
        yield from _way_to_datastores(environment, datastores)


def _way_to_datastores(environment: Environment, datastores: list[str]) -> Iterator[Problem]:
    if not datastores:
        yield Problem(("hosts",), "missing: a host with the role data, where the stack's datastores run")
        return
    remote = [name for name, host in environment.hosts.items() if not host.is_data()]
    if remote and not environment.hosts[datastores[0]].private_address:
        message = f"missing; {', '.join(remote)} cannot reach the datastores without it"
        yield Problem(("hosts", datastores[0], "private_address"), message)
