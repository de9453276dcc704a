"""One running script: feed it, read it, and stop it at its limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Protocol

from autogrowth_ops.remote.background import started
from autogrowth_ops.remote.protocol import Outcome

_LAST_CHUNK_SECONDS = 1.0


class TimeIsUp(Exception):
    """The script went over its limit."""


class ConnectionLost(Exception):
    """Nothing more is heard of the script."""


class NotStarted(ConnectionLost):
    """The host did not take the script."""


class Process(Protocol):
    """A script on its host. Reads block until there is something; empty bytes mean the end."""

    def start(self) -> None:
        """Let it run. Raise NotStarted if its host does not."""

    def read_stdout(self) -> bytes:
        """The next part of stdout."""

    def read_stderr(self) -> bytes:
        """The next part of stderr."""

    def write(self, chunk: bytes) -> None:
        """Send to stdin. Raise BrokenPipeError if nobody reads it any more."""

    def close_stdin(self) -> None:
        """Say that stdin ends here."""

    def wait(self) -> int:
        """Exit code, once it has one. Raise ConnectionLost if it never will."""

    def disconnect(self) -> None:
        """Turn away from it: every call that is blocked comes back. It may still run."""


class Execution:
    """Carries a process through to its outcome; `stop` ends the carrying from any thread."""

    def __init__(self, process: Process, on_line: Callable[[str], None] | None = None) -> None:
        self._process = process
        self._on_line = on_line
        self._stopped_by: BaseException | None = None
        self._stderr: list[bytes] = []
        self._heard = threading.Event()
        self._ended = threading.Event()

    @property
    def stderr(self) -> str:
        """What was written to stderr so far."""
        return b"".join(self._stderr).decode(errors="replace")

    def stop(self, reason: BaseException) -> None:
        """Let `carry_out` raise `reason`, unless it has another one already."""
        self._stopped_by = self._stopped_by or reason
        self._process.disconnect()

    def carry_out(
        self, stdin: bytes | Iterable[bytes], timeout_seconds: float, silent_seconds: float | None = None
    ) -> Outcome:
        """The outcome; nothing said for `silent_seconds` counts as a lost connection.

        Raise TimeIsUp, ConnectionLost, the reason given to `stop`, or what `stdin` or `on_line` raised."""
        timer = threading.Timer(timeout_seconds, self.stop, [TimeIsUp()])
        started(timer)
        self._listen(silent_seconds)
        try:
            exit_code, stdout = self._follow(stdin)
        finally:
            timer.cancel()
            self._ended.set()
            self._process.disconnect()
            if self._stopped_by is not None:
                raise self._stopped_by  # whatever else went wrong is a consequence
        return Outcome(exit_code, stdout.decode(errors="replace"), self.stderr)

    def _listen(self, silent_seconds: float | None) -> None:
        def listen() -> None:
            while not self._ended.wait(silent_seconds):
                if not self._heard.is_set():
                    self.stop(ConnectionLost(f"nothing was heard for {silent_seconds:g} s"))
                    return
                self._heard.clear()

        if silent_seconds is not None:
            started(threading.Thread(target=listen, daemon=True))

    def _follow(self, stdin: bytes | Iterable[bytes]) -> tuple[int, bytes]:
        reader = started(threading.Thread(target=self._collect_stderr))
        self._process.start()
        writer = self._feed(stdin)
        stdout = self._read_stdout()
        reader.join()
        exit_code = self._process.wait()
        if writer:
            writer.join(_LAST_CHUNK_SECONDS)
        return exit_code, stdout

    def _feed(self, stdin: bytes | Iterable[bytes]) -> threading.Thread | None:
        if stdin == b"":
            self._process.close_stdin()
            return None
        chunks = [bytes(stdin)] if isinstance(stdin, (bytes, bytearray)) else stdin
        return started(threading.Thread(target=self._write, args=[chunks]))

    def _write(self, chunks: Iterable[bytes]) -> None:
        try:
            for chunk in chunks:
                self._process.write(chunk)
            self._process.close_stdin()
        except BrokenPipeError:
            pass  # it ended without reading all: its exit code says whether that is well
        except BaseException as error:  # of the caller's own iterable: the caller gets it
            self.stop(error)

    def _collect_stderr(self) -> None:
        while chunk := self._process.read_stderr():
            self._stderr.append(chunk)
            self._heard.set()

    def _read_stdout(self) -> bytes:
        chunks: list[bytes] = []
        lines = _Lines(self._on_line) if self._on_line else None
        while chunk := self._process.read_stdout():
            chunks.append(chunk)
            self._heard.set()
            if lines:
                lines.add(chunk)
        if lines:
            lines.end()
        return b"".join(chunks)


class _Lines:
    """Cuts what arrives in parts into lines."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest: list[bytes] = []

    def add(self, chunk: bytes) -> None:
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            self._tell(b"".join([*self._rest, line]))
            self._rest = []
        self._rest.append(rest)

    def end(self) -> None:
        last = b"".join(self._rest)
        if last:
            self._tell(last)

    def _tell(self, line: bytes) -> None:
        self._on_line(line.removesuffix(b"\r").decode(errors="replace"))
