"""What is remembered about a sandbox between two commands: its hosts' addresses, its key, its hosts' keys."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from autogrowth_ops.folders import state_folder
from autogrowth_ops.sandbox import SandboxError

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class HostRecord:
    """One host as it was created; the ports are on 127.0.0.1 and stay the same over restarts."""

    name: str
    container: str
    port: int
    http_port: int
    https_port: int
    private_address: str
    is_bare: bool
    public_key: str = ""


@dataclass(frozen=True)
class SandboxState:
    """The folder of one sandbox, readable by this user only."""

    folder: Path

    @property
    def identity_file(self) -> Path:
        """Private key that opens every host of the sandbox."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """File with the public key of every host."""
        return self.folder / "known_hosts"

    @property
    def lock_file(self) -> Path:
        """File to hold while the sandbox changes."""
        return self.folder / "lock"

    def hosts(self) -> tuple[HostRecord, ...]:
        """The recorded hosts in the order of their creation; () for a sandbox that does not exist."""
        try:
            text = (self.folder / "hosts.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return ()
        return tuple(HostRecord(**record) for record in json.loads(text))

    def write(self, hosts: Sequence[HostRecord]) -> None:
        """Record `hosts` and their keys in place of the recorded ones."""
        _replace(self.folder / "hosts.json", json.dumps([asdict(host) for host in hosts], indent=1) + "\n")
        _replace(self.known_hosts, known_hosts_text(hosts))

    def write_identity(self, private_key: str) -> None:
        """Keep the sandbox's private key, mode 0600."""
        self.identity_file.touch(mode=0o600)
        self.identity_file.write_text(private_key, encoding="utf-8")

    def forget(self) -> None:
        """Remove the folder and all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def state_of(sandbox: str, *, create: bool = False) -> SandboxState:
    """The state of one sandbox. Raise SandboxError for a name that cannot be part of a container's name."""
    if not _NAME.fullmatch(sandbox):
        raise SandboxError(f'{sandbox}: not a name for a sandbox; use a-z, 0-9 and "-", at most 40 characters')
    folder = state_folder() / sandbox
    if create:
        folder.mkdir(mode=0o700, exist_ok=True)
    return SandboxState(folder)


def recorded_sandboxes() -> tuple[str, ...]:
    """Names of all sandboxes that have a state, sorted."""
    return tuple(sorted(file.parent.name for file in state_folder().glob("*/hosts.json")))


def known_hosts_text(hosts: Sequence[HostRecord]) -> str:
    """One line a host as ssh reads it: published address and private address, then the key."""
    keyed = [host for host in hosts if host.public_key]
    return "".join(f"[127.0.0.1]:{host.port},{host.private_address} {_two_words(host.public_key)}\n" for host in keyed)


def by_name(hosts: Sequence[HostRecord]) -> Mapping[str, HostRecord]:
    """The records, found by the host's name."""
    return {host.name: host for host in hosts}


def _two_words(public_key: str) -> str:
    return " ".join(public_key.split()[:2])


def _replace(path: Path, text: str) -> None:
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
