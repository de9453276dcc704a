"""Start and remove sandboxes: what of it is missing is created, the rest stays as it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from autogrowth_ops.folders import cache_folder
from autogrowth_ops.sandbox import SandboxError, containers
from autogrowth_ops.sandbox.capabilities import engine_rights
from autogrowth_ops.sandbox.containers import Mould
from autogrowth_ops.sandbox.engine import engine_answers, ensure_engine
from autogrowth_ops.sandbox.hosts import SandboxHost, find
from autogrowth_ops.sandbox.images import ensure_host_image
from autogrowth_ops.sandbox.shell import Report, docker, only_one
from autogrowth_ops.sandbox.state import HostRecord, SandboxState, recorded_sandboxes, state_of

T = TypeVar("T")

_GENERATE_KEY = "ssh-keygen -q -t ed25519 -N '' -C autogrowth-sandbox -f /tmp/key && cat /tmp/key"


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


def _create(
    sandbox: str, state: SandboxState, kept: Sequence[HostRecord], names: Sequence[str], *, bare: bool, report: Report
) -> list[HostRecord]:
    if not names:
        return []
    image = ensure_host_image(report, bare=bare)
    mould = Mould(sandbox, image, engine_rights(image), _authorized_key(state, image))
    prefix = containers.ensure_network(sandbox)
    with only_one(cache_folder() / "ports.lock"):  # a port is only taken once its container runs
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
