"""A person's terminal, or this program's pipes, joined to a command on a host."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from autogrowth_ops.remote import shell
from autogrowth_ops.remote.channel import Channel, ChannelProcess, Link

_KEYBOARD, _SCREEN, _ERRORS = 0, 1, 2
_READ_BYTES = 64 * 1024


def converse(link: Link, channel: Channel, command: str) -> int:
    """Exit code of `command`, run on `channel` in a terminal of its own if stdin is one. Raise ConnectionLost."""
    process = ChannelProcess(link, channel, f"exec sh -c {shell.quoted(command)}", names_group=False)
    try:
        if sys.stdin.isatty():
            _in_terminal(process)
        else:
            _through_pipes(process)
        return process.wait()
    finally:
        process.disconnect()


def _in_terminal(process: ChannelProcess) -> None:
    process.start_in_terminal(os.environ.get("TERM", "vt100"), *shutil.get_terminal_size())
    with _raw_keyboard(), _size_changes() as resized:
        while _pass_on(process, resized):
            pass


def _pass_on(process: ChannelProcess, resized: int) -> bool:
    """Wait for something to happen on either side and pass it on; whether it goes on."""
    ready, _, _ = select.select([_KEYBOARD, process.fileno(), resized], [], [])
    if resized in ready:
        os.read(resized, _READ_BYTES)
        process.resize(*shutil.get_terminal_size())
    if _KEYBOARD in ready:
        process.write(os.read(_KEYBOARD, _READ_BYTES))
    if process.fileno() in ready:
        output = process.read_stdout()
        _write(_SCREEN, output)
        return bool(output)
    return True


def _through_pipes(process: ChannelProcess) -> None:
    process.start()
    threading.Thread(target=_send_stdin, args=[process], daemon=True).start()
    errors = threading.Thread(target=_copy, args=[process.read_stderr, _ERRORS], daemon=True)
    errors.start()
    _copy(process.read_stdout, _SCREEN)
    errors.join()


def _send_stdin(process: ChannelProcess) -> None:
    try:
        while chunk := os.read(_KEYBOARD, _READ_BYTES):
            process.write(chunk)
        process.close_stdin()
    except BrokenPipeError:
        pass  # the command has ended


def _copy(read: Callable[[], bytes], target: int) -> None:
    while chunk := read():
        _write(target, chunk)


def _write(target: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(target, rest) :]


@contextmanager
def _raw_keyboard() -> Iterator[None]:
    """Every key goes to the host, Ctrl-C too; the host's terminal echoes."""
    before = termios.tcgetattr(_KEYBOARD)
    try:
        tty.setraw(_KEYBOARD)
        yield
    finally:
        termios.tcsetattr(_KEYBOARD, termios.TCSADRAIN, before)


@contextmanager
def _size_changes() -> Iterator[int]:
    """A file descriptor that becomes readable when the window changes its size."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    before = signal.signal(signal.SIGWINCH, lambda *_: os.write(writable, b"\n"))
    try:
        yield readable
    finally:
        signal.signal(signal.SIGWINCH, before)
        os.close(readable)
        os.close(writable)
