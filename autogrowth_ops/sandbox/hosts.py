"""Sandboxes: a handful of throwaway hosts each, reachable over ssh on 127.0.0.1 like servers far away."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from autogrowth_ops.sandbox import SandboxError, containers
from autogrowth_ops.sandbox.capabilities import engine_rights
from autogrowth_ops.sandbox.containers import Mould
from autogrowth_ops.sandbox.engine import engine_answers, ensure_engine
from autogrowth_ops.sandbox.images import ensure_host_image
from autogrowth_ops.sandbox.shell import Report, docker, only_one
from autogrowth_ops.sandbox.state import HostRecord, SandboxState, recorded_sandboxes, state_of

USER = "deploy"

T = TypeVar("T")

_GENERATE_KEY = "ssh-keygen -q -t ed25519 -N '' -C autogrowth-sandbox -f /tmp/key && cat /tmp/key"


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


def up(
    sandbox: str, names: Sequence[str], *, report: Report, bare: bool = False, images: Sequence[str] = ()
) -> tuple[SandboxHost, ...]:
    """Have every host of `names` running and answering, new ones `bare` or with an engine; returns the whole sandbox.

    `images` are names on the local engine; each full host gets those that it lacks. Existing hosts stay as they are.
    Raise SandboxError if the engine, the image or a host cannot be had."""
    ensure_engine(report)
    state = state_of(sandbox, create=True)
    with only_one(state.lock_file):
        began = time.monotonic()
        present = containers.states(sandbox)
        kept = [host for host in state.hosts() if host.name in present]
        missing = [name for name in names if name not in {host.name for host in kept}]
        created = _create(sandbox, state, kept, missing, bare=bare, report=report)
        stopped = [host for host in kept if host.name in names and present[host.name] != "running"]
        _at_once(containers.start, stopped)
        _record_when_ready(state, kept, [*stopped, *created])
        if stopped or created:
            report(f"{sandbox}: {len(stopped) + len(created)} host(s) up ({time.monotonic() - began:.0f} s)")
        full = [host for host in state.hosts() if host.name in names and not host.is_bare]
        _at_once(lambda host: containers.load_images(host, images, report), full if images else [])
    return find(sandbox)


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


def down(sandbox: str) -> tuple[str, ...]:
    """Remove the sandbox's containers, volumes, network, keys and addresses; returns the names of the removed hosts.

    Raise SandboxError if no engine answers: its containers would be left behind."""
    if not engine_answers():
        raise SandboxError(f"{sandbox}: not removed: no Docker Engine answers; start it and try again")
    state = state_of(sandbox, create=True)
    with only_one(state.lock_file):
        removed = containers.remove_sandbox(sandbox)
        state.forget()
    return removed


def all_sandboxes() -> Mapping[str, tuple[SandboxHost, ...]]:
    """Every recorded sandbox with its hosts, by name."""
    return {name: find(name) for name in recorded_sandboxes()}


def _create(
    sandbox: str, state: SandboxState, kept: Sequence[HostRecord], names: Sequence[str], *, bare: bool, report: Report
) -> list[HostRecord]:
    if not names:
        return []
    image = ensure_host_image(report, bare=bare)
    mould = Mould(sandbox, image, engine_rights(image), _authorized_key(state, image))
    prefix = containers.ensure_network(sandbox)
    elsewhere = [host for name in recorded_sandboxes() if name != sandbox for host in state_of(name).hosts()]
    records = containers.new_records(sandbox, names, [*kept, *elsewhere], prefix, bare=bare)
    _at_once(lambda record: containers.create(record, mould), records)
    return records


def _record_when_ready(state: SandboxState, kept: Sequence[HostRecord], started: Sequence[HostRecord]) -> None:
    """Write every host down before waiting, so that one that never answers can be removed; then with its key."""
    if not started:
        return
    records = {host.name: host for host in (*kept, *started)}
    state.write(tuple(records.values()))
    records |= {host.name: host for host in _at_once(containers.wait_until_ready, started)}
    state.write(tuple(records.values()))


def _authorized_key(state: SandboxState, image: str) -> str:
    """Public half of the sandbox's key, which is generated in a container: this machine needs no ssh tools for it."""
    if not state.identity_file.exists():
        state.write_identity(docker("run", "--rm", image, "sh", "-c", _GENERATE_KEY) + "\n")
    private_key = state.identity_file.read_text(encoding="utf-8")
    reader = ("sh", "-c", "umask 077 && cat > /tmp/key && ssh-keygen -y -f /tmp/key")
    return docker("run", "--rm", "--interactive", image, *reader, stdin=private_key)


def _at_once(action: Callable[[HostRecord], T], records: Sequence[HostRecord]) -> list[T]:
    """Outcome for each record, in order. Raise the first failure after all have ended."""
    if not records:
        return []
    with ThreadPoolExecutor(max_workers=len(records)) as pool:
        futures = [pool.submit(action, record) for record in records]
    return [future.result() for future in futures]


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
