"""Ports of this machine: refuse those that somebody else has, with who and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..commands import development as words
from ..commands.shell import quoted
from ..errors import UsageError
from ..model.environment import Environment
from ..remote import Remote
from ..sandbox.containers import is_free

LOOPBACK = "127.0.0.1"
SECONDS = 30


def refuse_taken(
    remote: Remote, environment: Environment, wanted: Mapping[str, int], running: Iterable[words.Running]
) -> None:
    """Raise UsageError naming every port that neither is free nor belongs to our own containers."""
    ours = tuple(running)
    own = {port for one in ours for port in one.ports}
    # Between two starts Docker names no ports of a container, and may have them still.
    own |= {wanted[one.service] for one in ours if one.state == "restarting" and one.service in wanted}
    taken = {name: port for name, port in wanted.items() if port not in own and not is_free(port)}
    problems = [
        f"{LOOPBACK}:{port}: taken by {_holder(remote, port)}; stop it, or take another port for {name}: "
        f"inv dev.up {environment.options} {option(environment, name)}={another(port)}"
        for name, port in taken.items()
    ]
    if problems:
        raise UsageError("\n".join(problems))


def option(environment: Environment, name: str) -> str:
    """The option of `inv dev.up` that sets a service's port."""
    return "--port" if name == environment.app.public_service() else f"--{name}-port"


def another(port: int) -> int:
    """The next free port above one that is taken."""
    return next((one for one in range(port + 1, min(port + 100, 65536)) if is_free(one)), port + 1)


def _holder(remote: Remote, port: int) -> str:
    names = remote.run(quoted(words.publishers(port)), timeout_seconds=SECONDS).stdout.split()
    return f"container {names[0]}" if names else f"another program (which: ss -ltnp 'sport = :{port}')"
