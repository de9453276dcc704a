"""What we use of an SSH connection, and a script running through it."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Protocol

from autogrowth_ops.remote import shell
from autogrowth_ops.remote.execution import ConnectionLost, NotStarted

_READ_BYTES = 16 * 1024 * 1024  # Paramiko moves what is left in its buffer at every read: leave nothing
_SEND_BYTES = 32 * 1024
_NAMING_SECONDS = 2


class Channel(Protocol):
    """A session channel of Paramiko's."""

    closed: bool
    eof_received: bool
    exit_status: int
    status_event: threading.Event

    def exec_command(self, command: str) -> None:
        """Start the command; one round trip."""

    def get_pty(self, term: str, width: int, height: int) -> None:
        """Let it run in a terminal."""

    def resize_pty(self, width: int, height: int) -> None:
        """Tell that terminal of a new size."""

    def recv(self, nbytes: int) -> bytes:
        """The next part of stdout; empty at its end, or once the channel is closed."""

    def recv_stderr(self, nbytes: int) -> bytes:
        """The same of stderr."""

    def send(self, s: bytes) -> int:
        """How much of it was sent; 0 if the other side reads no more."""

    def shutdown_write(self) -> None:
        """End stdin."""

    def fileno(self) -> int:
        """Readable when there is something to receive."""

    def close(self) -> None:
        """Wake whoever receives, sends or waits here."""


class Link(Protocol):
    """An open, authenticated connection. Its methods, and those of its channels, raise only `errors`."""

    errors: tuple[type[Exception], ...]

    def open_channel(self) -> Channel:
        """A new session channel: one round trip."""

    def is_active(self) -> bool:
        """Whether it still carries anything."""

    def close(self) -> None:
        """Hang up, on the jump hosts too."""


class ChannelProcess:
    """A command on a channel of its own, as a Process; `names_group` if `shell.command_line` made the command."""

    def __init__(self, link: Link, channel: Channel, command: str, *, names_group: bool) -> None:
        self._link = link
        self._channel = channel
        self._command = command
        self._beginning = ""
        self._named = threading.Event()
        if not names_group:
            self._named.set()

    @property
    def group(self) -> int | None:
        """Its process group on the host; None if it never said it."""
        return shell.group_of(self._beginning)

    def start_in_terminal(self, term: str, width: int, height: int) -> None:
        """Send the command, to run in a terminal of its own. Raise NotStarted if the server does not take it."""
        try:
            self._channel.get_pty(term, width, height)
        except self._link.errors as error:
            raise NotStarted(f"the server gives no terminal: {error}") from error
        self.start()

    def resize(self, width: int, height: int) -> None:
        """Tell its terminal of a new size."""
        self._channel.resize_pty(width, height)

    def fileno(self) -> int:
        """Becomes readable when there is something to read from it."""
        return self._channel.fileno()

    def start(self) -> None:
        """Send the command. Raise NotStarted if the server does not take it."""
        try:
            self._channel.exec_command(self._command)
        except self._link.errors as error:
            raise NotStarted(f"the server did not take it: {error}") from error

    def read_stdout(self) -> bytes:
        """The next part of stdout."""
        return self._channel.recv(_READ_BYTES)

    def read_stderr(self) -> bytes:
        """The next part of stderr. The first one names the process group."""
        chunk = self._channel.recv_stderr(_READ_BYTES)
        if not self._named.is_set():
            self._beginning += chunk.decode(errors="replace")
            if not chunk or self.group:
                self._named.set()
        return chunk

    def write(self, chunk: bytes) -> None:
        """Send to stdin, in parts: what a channel takes at once is one packet."""
        rest = memoryview(chunk)
        while rest:
            rest = rest[self._send(bytes(rest[:_SEND_BYTES])) :]

    def close_stdin(self) -> None:
        """Say that stdin ends here."""
        with suppress(*self._link.errors):  # then nobody reads it, and `wait` says why
            self._channel.shutdown_write()

    def wait(self) -> int:
        """Exit code; 255 if the shell was killed by a signal, of which Paramiko does not tell the number."""
        self._channel.status_event.wait()
        if self._channel.exit_status >= 0:
            return self._channel.exit_status
        if self._channel.eof_received and self._link.is_active():
            return 255
        raise ConnectionLost("the server or the network closed it")

    def disconnect(self) -> None:
        """Close the channel, which wakes all who wait for it; not before it is known how to end what it leaves."""
        self._named.wait(_NAMING_SECONDS)
        with suppress(*self._link.errors):  # the connection went first
            self._channel.close()

    def _send(self, part: bytes) -> int:
        try:
            sent = self._channel.send(part)
        except self._link.errors as error:
            raise BrokenPipeError from error
        if not sent:
            raise BrokenPipeError
        return sent
