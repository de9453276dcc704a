"""A command, or a shell, inside a container of the serving release."""

from __future__ import annotations

from ..commands.shell import quoted, script
from ..errors import UsageError
from ..model.plan import Command
from ..model.stack import datastores, every_service
from ..remote import Remote
from ..session import Session
from .look import require_docker


def run_inside(session: Session, service: str, command: Command, host: str = "") -> int:
    """The exit code of `command` in a container of `service`, joined to this terminal. UsageError if none runs,
    HostUnready if Docker does not answer."""
    remote = _choose(session, service, host)
    find = script([("one_container", service)], {**session.engine.variables(), "MARK": "@"})
    container = remote.run(find, timeout_seconds=30).stdout.strip()
    if not container:
        require_docker(session, remote)
        raise UsageError(
            f"{remote.host.name}: no running container of {service}; see: inv status {session.environment.options}"
        )
    terminal = ("--tty",) if is_terminal() else ()
    return remote.interact(quoted(("docker", "exec", "--interactive", *terminal, container, *command)))


def _choose(session: Session, service: str, host: str) -> Remote:
    stack, services = datastores(session.environment), every_service(session.environment)
    if not service:
        raise UsageError(f"no service is public; say which one is meant: --service={services[0]}")
    if service not in services:
        raise UsageError(f"{service}: no such service; there are: {', '.join(services)}")
    fitting = [
        one for one in session.remotes.values() if (one.host.is_data() if service in stack else one.host.is_app())
    ]
    if not fitting:
        raise UsageError(f"{host or session.environment.name}: {service} does not run there")
    return fitting[0]


def is_terminal() -> bool:
    """Whether both ends of this process are a terminal."""
    import sys

    return sys.stdin.isatty() and sys.stdout.isatty()
