"""Words for everything that can be wrong between this machine and a host."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass

from autogrowth_ops.errors import CommandTimedOut, Unreachable
from autogrowth_ops.remote.known_hosts import HostKey, Verdict


@dataclass(frozen=True)
class Endpoint:
    """One SSH server on the way to a host; `jump` is its name if it is not the host itself."""

    host: str
    user: str
    address: str
    port: int
    jump: str = ""

    @property
    def login(self) -> str:
        """`user@address`."""
        return f"{self.user}@{self.address}"

    def failure(self, words: str) -> Unreachable:
        """The error that says `words` of this server."""
        return Unreachable(f"{self.host}: jump host {self.jump}: {words}" if self.jump else f"{self.host}: {words}")


def not_connected(to: Endpoint, error: OSError, timeout_seconds: float) -> Unreachable:
    """Why the TCP connection could not be opened."""
    place = f"{to.address}:{to.port}"
    if isinstance(error, socket.gaierror):
        return to.failure(f"name cannot be resolved: {to.address}: {error.strerror}; check the host's address, or DNS")
    if isinstance(error, ConnectionRefusedError):
        return to.failure(f"connection refused: nothing listens on {place}; check the port and that sshd runs there")
    if isinstance(error, TimeoutError):
        limit = f"{timeout_seconds:g} s"
        return to.failure(f"no answer: nothing came from {place} in {limit}; check the address, firewall and VPN")
    return to.failure(
        f"no connection: {place}: {error.strerror or error}; check the address and this machine's network"
    )


def not_ssh(to: Endpoint, why: str) -> Unreachable:
    """Something listens, but no SSH session comes of it."""
    return to.failure(f"SSH handshake failed: {to.address}:{to.port}: {why}; check the port and the server's sshd log")


def host_key_refused(verdict: Verdict, key: HostKey, recorded: Sequence[HostKey], at: Endpoint) -> Unreachable:
    """Why a server's key is not trusted, and what to compare it with."""
    compare = f"compare it with the server's own (ssh-keygen -lf /etc/ssh/ssh_host_{_file_word(key.type)}_key.pub)"
    if verdict == "revoked":
        return at.failure(f"host key is revoked: {key}; do not connect: known_hosts marks this key as stolen")
    if verdict == "changed":
        was = ", ".join(map(str, recorded))
        return at.failure(
            f"host key has CHANGED: {key}, but recorded is {was}; somebody may be intercepting the connection: "
            f"{compare}, and only if it was changed on purpose {_trust(key, at, replace=True)}"
        )
    return at.failure(f"host key is not known: {key}; {compare}, then {_trust(key, at, replace=False)}")


def connection_lost(host: str, why: str) -> Unreachable:
    """The connection broke after the command had begun."""
    return Unreachable(f"{host}: connection lost in the middle of a command: {why}; it may still be running there")


def not_started(host: str, why: str) -> Unreachable:
    """The connection stands, but the command did not get through it."""
    return Unreachable(f"{host}: command not started: {why}; try again, or look at the server's sshd log")


def timed_out(host: str, limit_seconds: float, *, ended: bool) -> CommandTimedOut:
    """A command went over its limit."""
    now = "it was ended, with all its processes" if ended else "it could not be ended and may still be running there"
    return CommandTimedOut(f"{host}: command timed out: no end after {limit_seconds:g} s; {now}")


def _trust(key: HostKey, at: Endpoint, *, replace: bool) -> str:
    if at.jump:
        return (
            f"run: ssh-keygen -R '{key.name}'; ssh {at.jump}" if replace else f"connect to it once with: ssh {at.jump}"
        )
    return f"run: inv hosts.trust --host={at.host}{' --replace' if replace else ''}"


def _file_word(key_type: str) -> str:
    """`ed25519`, `ecdsa` or `rsa`, as in the server's file names."""
    return next((word for word in ("ed25519", "ecdsa", "rsa") if word in key_type), "*")
