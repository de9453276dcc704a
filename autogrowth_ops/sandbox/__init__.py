"""Throwaway real hosts on one machine: an sshd and a Docker Engine each, to practise on and to test against.

engine.py makes sure that a Docker Engine answers, images.py that the base images exist, lifecycle.py creates and
removes the hosts, hosts.py finds them, relay.py puts a distance between them and the caller."""

from __future__ import annotations

from autogrowth_ops.errors import OpsError

__all__ = ["SandboxError"]


class SandboxError(OpsError):
    """A sandbox cannot be built, found or reached; says what to do."""

    exit_code = 3
