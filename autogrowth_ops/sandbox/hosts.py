"""Sandboxes: a handful of throwaway hosts each, reachable over ssh on 127.0.0.1 like servers far away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autogrowth_ops.sandbox import SandboxError, containers
from autogrowth_ops.sandbox.state import HostRecord, SandboxState, recorded_sandboxes, state_of

USER = "deploy"


@dataclass(frozen=True)
class SandboxHost:
    """One throwaway host and all that a caller needs to reach it."""

    name: str
    address: str
    port: int
    user: str
    identity_file: Path
    known_hosts: Path
    http_port: int
    https_port: int
    private_address: str
    is_running: bool
    is_bare: bool = False


def find(sandbox: str) -> tuple[SandboxHost, ...]:
    """The sandbox's hosts in the order of their creation, running or not; () if there are none. Changes nothing."""
    state = state_of(sandbox)
    recorded = state.hosts()
    if not recorded:
        return ()
    try:
        present = containers.states(sandbox)
    except SandboxError:  # without an engine no host runs, but they come back with it
        present = {host.name: "unknown" for host in recorded}
    return tuple(_host(state, host, present[host.name] == "running") for host in recorded if host.name in present)


def running(sandbox: str) -> tuple[SandboxHost, ...]:
    """The sandbox's hosts on whose SSH port somebody listens, in the order of their creation: quicker than `find`.

    The engine is not asked. Should a stranger have the port, connecting fails: it has not the recorded host key."""
    state = state_of(sandbox)
    return tuple(_host(state, host, True) for host in state.hosts() if not containers.is_free(host.port))


def all_sandboxes() -> Mapping[str, tuple[SandboxHost, ...]]:
    """Every recorded sandbox with its hosts, by name."""
    return {name: find(name) for name in recorded_sandboxes()}


def _host(state: SandboxState, record: HostRecord, is_running: bool) -> SandboxHost:
    return SandboxHost(
        name=record.name,
        address=containers.ADDRESS,
        port=record.port,
        user=USER,
        identity_file=state.identity_file,
        known_hosts=state.known_hosts,
        http_port=record.http_port,
        https_port=record.https_port,
        private_address=record.private_address,
        is_running=is_running,
        is_bare=record.is_bare,
    )
