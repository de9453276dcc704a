"""Ways to a host on which something goes wrong."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Callable, Iterable
from contextlib import suppress

from autogrowth_ops.errors import Unreachable
from autogrowth_ops.model.environment import Host
from autogrowth_ops.remote import Outcome
from autogrowth_ops.remote.local import LocalRemote

from .programs import Accident


class CutRemote(LocalRemote):
    """Where the script was killed by an accident, nothing is heard of the host any more: nobody can undo."""

    def __init__(self, host: Host, accident: Accident) -> None:
        super().__init__(host)
        self._accident = accident

    def run(
        self,
        script: str,
        *,
        stdin: bytes | Iterable[bytes] = b"",
        timeout_seconds: float,
        on_line: Callable[[str], None] | None = None,
        silent_seconds: float | None = None,
    ) -> Outcome:
        """See Remote."""
        if not self._accident.has_happened.is_set():
            outcome = super().run(script, stdin=stdin, timeout_seconds=timeout_seconds, on_line=on_line)
            if not self._accident.has_happened.is_set():
                return outcome
        _drained(stdin)
        raise Unreachable(f"{self.host.name}: connection lost")


class UnheardRemote(CutRemote):
    """Who sent the script goes away at the accident; the script goes on until it sees that nobody reads."""

    def run(
        self,
        script: str,
        *,
        stdin: bytes | Iterable[bytes] = b"",
        timeout_seconds: float,
        on_line: Callable[[str], None] | None = None,
        silent_seconds: float | None = None,
    ) -> Outcome:
        """See Remote."""
        if self._accident.has_happened.is_set():
            _drained(stdin)
            raise Unreachable(f"{self.host.name}: connection lost")
        self.trips += 1
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            ["sh", "-c", script], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, start_new_session=True
        )
        assert process.stdin and process.stdout
        with process.stdin, suppress(BrokenPipeError):
            process.stdin.write(_drained(stdin))
        heard = self._listen(process.stdout.fileno())
        process.stdout.close()
        if heard is None:
            self._accident.is_reader_gone.set()
        code = process.wait(30)
        if heard is None:
            raise Unreachable(f"{self.host.name}: connection lost")
        for line in heard.splitlines() if on_line else ():
            on_line(line)
        return Outcome(code, heard, "")

    def _listen(self, stdout: int) -> str | None:
        """All that was printed; None if the accident came before its end."""
        heard = b""
        while not self._accident.has_happened.is_set():
            if select.select([stdout], [], [], 0.01)[0]:
                chunk = os.read(stdout, 1 << 16)
                if not chunk:
                    return heard.decode()
                heard += chunk
        return None


def _drained(stdin: bytes | Iterable[bytes]) -> bytes:
    """All that was to be sent: what it is read from is closed at its end."""
    return stdin if isinstance(stdin, bytes) else b"".join(stdin)
