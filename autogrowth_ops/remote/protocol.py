"""What a host can be asked to do, whatever carries the request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from autogrowth_ops.model.environment import Host


@dataclass(frozen=True)
class Outcome:
    """How a script ended. 255 stands for a shell that was killed by a signal, as with `ssh`."""

    exit_code: int
    stdout: str
    stderr: str


class Remote(Protocol):
    """One host. `run` may be called from several threads; `trips` counts its calls."""

    host: Host
    trips: int

    def open(self, *, wait: bool = True) -> None:
        """Connect now instead of at the first `run`; `wait=False` comes back at once and leaves a failure to `run`."""

    def run(
        self,
        script: str,
        *,
        stdin: bytes | Iterable[bytes] = b"",
        timeout_seconds: float,
        on_line: Callable[[str], None] | None = None,
        silent_seconds: float | None = None,
    ) -> Outcome:
        """How the POSIX sh `script` ended, whatever its exit code, with `stdin` streamed to it.

        `on_line` gets each line of stdout as it comes, without its end. With `silent_seconds`, a script that says
        nothing for so long (at most twice that) counts as lost. Raise CommandTimedOut at the limit and
        Unreachable if the connection breaks. At the limit, on Ctrl-C and when `stdin` or `on_line` raises, the
        script's process group is ended first (SIGTERM, then SIGKILL)."""

    def interact(self, command: str) -> int:
        """Exit code of `command`, joined to this terminal; piped through if stdin is no terminal."""

    def interrupt(self) -> None:
        """From another thread: end each `run` in progress, which then raises KeyboardInterrupt there."""

    def close(self) -> None:
        """Give the connection back. A later `run` opens a new one."""
