"""Log lines of all hosts, merged by time; or as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..commands.shell import script
from ..errors import UsageError
from ..model.masking import masker
from ..model.release import container_label
from ..model.stack import every_service
from ..remote import Remote
from ..session import Session
from .asking import Missing, ask_any
from .look import require_docker

FOLLOW_SECONDS = 7 * 86_400


@dataclass(frozen=True)
class LogLine:
    """One line: `at` is Docker's time stamp in UTC."""

    host: str
    container: str
    at: str
    text: str

    @property
    def label(self) -> str:
        """The container's service and number, as `web-1`."""
        return container_label(self.container)


def logs(
    session: Session, services: tuple[str, ...], *, tail: str, since: str, follow: bool, each: Callable[[LogLine], None]
) -> Missing:
    """Give every line to `each`, without the secrets that are known here; why hosts are missing. With `follow` lines
    come until the caller is interrupted.

    Raise HostError if no host answers, HostUnready for one whose Docker does not."""
    known = every_service(session.environment)
    unknown = [service for service in services if service not in known]
    if unknown:
        raise UsageError(f"{', '.join(unknown)}: no such service; there are: {', '.join(known)}")
    chosen = services or tuple(session.environment.app.services)
    text = script(
        [("logs", tail, since, "yes" if follow else "", *chosen)], {**session.engine.variables(), "MARK": "@"}
    )

    mask = masker(session.environment.secret_values.values())

    def read(remote: Remote) -> list[LogLine]:
        found: list[LogLine] = []

        def heard(line: str) -> None:
            for parsed in parse_line(remote.host.name, mask(line)):
                if follow:
                    each(parsed)
                found.append(parsed)

        outcome = remote.run(text, timeout_seconds=FOLLOW_SECONDS if follow else 120, on_line=heard)
        if outcome.exit_code and not found:
            require_docker(session, remote)
        return found

    found, missing = ask_any(session.remotes.values(), read)
    if not follow:
        for line in sorted((line for lines in found.values() for line in lines), key=lambda one: one.at):
            each(line)
    return missing


def parse_line(host: str, line: str) -> Iterator[LogLine]:
    """`<container> <time> <text>` as `logs` prints it; nothing for any other line."""
    fields = line.split(" ", 2)
    if len(fields) >= 2 and fields[1][:2] == "20":
        yield LogLine(host, fields[0], fields[1], fields[2] if len(fields) == 3 else "")
