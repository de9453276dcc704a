"""What an operation works with: the environment, its engine, its hosts, and the doors to time, git and people."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from secrets import token_hex

from .clock import Clock, SystemClock
from .engines import Engine, engine_for
from .model.environment import Environment, Host
from .model.event import Event
from .model.observation import Lock
from .remote import Remote, open_remote
from .source import Source


@dataclass(frozen=True)
class Session:
    """Frozen record an operation gets; `remotes` are by host name, in declared order; `token` marks its lock."""

    environment: Environment
    root: Path
    engine: Engine
    remotes: Mapping[str, Remote]
    clock: Clock
    source: Source
    watch: Callable[[Event], None]
    who: str
    token: str = field(default_factory=lambda: token_hex(8))

    def note(self, text: str, host: str = "") -> None:
        """Tell whoever watches."""
        self.watch(Event(host, text, "note"))

    def lock(self, what: str) -> Lock:
        """The lock as this process takes it."""
        since = self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        return Lock(self.who, socket.gethostname(), os.getpid(), since, what)

    def trips(self) -> dict[str, int]:
        """Remote commands made so far, by host."""
        return {name: remote.trips for name, remote in self.remotes.items()}


@contextmanager
def open_session(
    environment: Environment,
    root: Path,
    watch: Callable[[Event], None],
    *,
    hosts: tuple[str, ...] = (),
    clock: Clock | None = None,
) -> Iterator[Session]:
    """A session whose connections are already being opened when it is handed over, and are closed behind it.

    `hosts` limits it to some hosts; an environment without hosts is this machine."""
    if not environment.hosts:
        environment = replace(environment, hosts={"local": Host(name="local", address="local")})
    limit = environment.policies.connect_timeout_seconds
    chosen = [host for name, host in environment.hosts.items() if not hosts or name in hosts]
    remotes = {host.name: open_remote(host, limit) for host in chosen}
    for remote in remotes.values():
        remote.open(wait=False)
    try:
        yield Session(
            environment,
            root,
            engine_for(environment),
            remotes,
            clock or SystemClock(),
            Source(root / environment.app.source),
            watch,
            getpass.getuser(),
        )
    finally:
        for remote in remotes.values():
            remote.close()
