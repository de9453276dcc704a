"""This machine as a host, without SSH."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from autogrowth_ops.remote import shell
from autogrowth_ops.remote.execution import Execution, TimeIsUp
from autogrowth_ops.remote.failures import timed_out
from autogrowth_ops.remote.protocol import Outcome

if TYPE_CHECKING:
    from autogrowth_ops.model.environment import Host

LOCAL_ADDRESS = "local"
_READ_BYTES = 256 * 1024


class LocalRemote:
    """A Remote for the machine this program runs on."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.trips = 0
        self._executions: set[Execution] = set()

    def open(self, *, wait: bool = True) -> None:
        """Nothing: it is always open."""

    def run(
        self,
        script: str,
        *,
        stdin: bytes | Iterable[bytes] = b"",
        timeout_seconds: float,
        on_line: Callable[[str], None] | None = None,
        silent_seconds: float | None = None,  # noqa: ARG002
    ) -> Outcome:
        """See Remote. A script on this machine is never out of hearing."""
        self.trips += 1
        process = _LocalProcess(script)
        execution = Execution(process, on_line)
        self._executions.add(execution)
        try:
            return execution.carry_out(stdin, timeout_seconds)
        except TimeIsUp as error:
            process.end_group()
            raise timed_out(self.host.name, timeout_seconds, ended=True) from error
        except BaseException:
            process.end_group()
            raise
        finally:
            self._executions.discard(execution)
            process.close()

    def interact(self, command: str) -> int:
        """See Remote."""
        return _exit_code(subprocess.call(["sh", "-c", command]))

    def interrupt(self) -> None:
        """See Remote."""
        for execution in tuple(self._executions):
            execution.stop(KeyboardInterrupt())

    def close(self) -> None:
        """Nothing: there is no connection."""


class _LocalProcess:
    """A script in a process group of its own, as a Process. Readers wait for its output or to be woken."""

    def __init__(self, script: str) -> None:
        pipe = subprocess.PIPE
        self._shell = subprocess.Popen(
            ["sh", "-c", script], stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, start_new_session=True
        )
        self._woken, self._wake = socket.socketpair()
        self._ended = threading.Event()

    def start(self) -> None:
        """Watch for its end; it runs already."""
        threading.Thread(target=self._await_end, daemon=True).start()

    def read_stdout(self) -> bytes:
        """The next part of stdout."""
        return self._read(self._shell.stdout)

    def read_stderr(self) -> bytes:
        """The next part of stderr."""
        return self._read(self._shell.stderr)

    def write(self, chunk: bytes) -> None:
        """Send to stdin. Raise BrokenPipeError if nobody reads it any more."""
        rest = memoryview(chunk)
        while rest and self._shell.stdin:
            rest = rest[os.write(self._shell.stdin.fileno(), rest) :]

    def close_stdin(self) -> None:
        """Say that stdin ends here."""
        if self._shell.stdin:
            self._shell.stdin.close()

    def wait(self) -> int:
        """Exit code; 128 and its number for a signal, as the shell counts."""
        self._ended.wait()
        return _exit_code(self._shell.returncode or 0)

    def disconnect(self) -> None:
        """Wake all who wait for it."""
        with suppress(OSError):  # closed already
            self._wake.shutdown(socket.SHUT_WR)
        self._ended.set()

    def end_group(self) -> None:
        """SIGTERM to it and all it started, SIGKILL to what is left after some seconds."""
        subprocess.run(["sh", "-c", shell.end_group(self._shell.pid)], check=False)

    def close(self) -> None:
        """Give back what it held here."""
        for stream in (self._shell.stdin, self._shell.stdout, self._shell.stderr):
            if stream:
                stream.close()
        self._woken.close()
        self._wake.close()

    def _await_end(self) -> None:
        self._shell.wait()
        self._ended.set()

    def _read(self, stream: IO[bytes] | None) -> bytes:
        source = stream.fileno() if stream else -1
        readable, _, _ = select.select([source, self._woken.fileno()], [], [])
        return os.read(source, _READ_BYTES) if source in readable else b""


def _exit_code(returned: int) -> int:
    """`subprocess` gives a signal as its negative number."""
    return returned if returned >= 0 else 128 - returned
