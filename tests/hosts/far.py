"""A sandbox host behind a relay: far away, cut off or silent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from autogrowth_ops.sandbox.hosts import SandboxHost
from autogrowth_ops.sandbox.relay import Relay


@contextmanager
def behind_relay(host: SandboxHost, delay_seconds: float = 0.0) -> Iterator[Relay]:
    """All that `inv` does on the host goes through the relay, `delay_seconds` later each way."""
    state = host.known_hosts.parent / "hosts.json"
    kept = state.read_text(), host.known_hosts.read_text()
    with Relay(host.port, delay_seconds=delay_seconds) as relay:
        state.write_text(kept[0].replace(f'"port": {host.port}', f'"port": {relay.port}'))
        host.known_hosts.write_text(kept[1].replace(f":{host.port}", f":{relay.port}"))
        try:
            yield relay
        finally:
            state.write_text(kept[0])
            host.known_hosts.write_text(kept[1])
