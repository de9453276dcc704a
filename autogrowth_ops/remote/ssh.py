"""A host over SSH."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from autogrowth_ops.errors import Unreachable
from autogrowth_ops.remote import shell, terminal
from autogrowth_ops.remote.background import in_background
from autogrowth_ops.remote.channel import ChannelProcess, Link
from autogrowth_ops.remote.execution import ConnectionLost, Execution, NotStarted, TimeIsUp
from autogrowth_ops.remote.failures import connection_lost, not_started, timed_out
from autogrowth_ops.remote.protocol import Outcome
from autogrowth_ops.remote.sessions import Sessions

if TYPE_CHECKING:
    from autogrowth_ops.model.environment import Host


class _Connected:
    def __init__(self, link: Link) -> None:
        self.link = link
        self.sessions = Sessions(link)
        self.sessions.prepare()

    def process(self, script: str) -> ChannelProcess:
        """`script`, ready to start. Raise NotStarted if there is no channel for it."""
        command = shell.command_line(script)
        return ChannelProcess(self.link, self.sessions.take(), command, names_group=True)


class FabricRemote:
    """A Remote over one SSH connection, opened by `open` or the first `run` and again after it broke."""

    def __init__(self, host: Host, connect_timeout_seconds: float) -> None:
        self.host = host
        self.trips = 0
        self._connect_timeout_seconds = connect_timeout_seconds
        self._lock = threading.Lock()
        self._connecting: Future[_Connected] | None = None
        self._executions: set[Execution] = set()

    def open(self, *, wait: bool = True) -> None:
        """Connect now instead of at the first `run`; `wait=False` comes back at once and leaves a failure to `run`."""
        if wait:
            self._connected()
        else:
            self._connect()

    def run(
        self,
        script: str,
        *,
        stdin: bytes | Iterable[bytes] = b"",
        timeout_seconds: float,
        on_line: Callable[[str], None] | None = None,
        silent_seconds: float | None = None,
    ) -> Outcome:
        """See Remote. A trip costs one round trip: the channel it goes by is opened ahead."""
        with self._lock:
            self.trips += 1
        connected = self._connected()
        process = self._process(connected, script)
        try:
            with self._executing(Execution(process, on_line)) as execution:
                outcome = execution.carry_out(stdin, timeout_seconds, silent_seconds)
        except ConnectionLost as error:
            raise self._lost(error) from error
        except TimeIsUp as error:
            raise timed_out(self.host.name, timeout_seconds, ended=self._end(connected, process)) from error
        except BaseException:
            self._end(connected, process)
            raise
        return replace(outcome, stderr=shell.without_group(outcome.stderr))

    def interact(self, command: str) -> int:
        """See Remote."""
        connected = self._connected()
        try:
            return terminal.converse(connected.link, connected.sessions.take(), command)
        except ConnectionLost as error:
            raise self._lost(error) from error

    def interrupt(self) -> None:
        """See Remote."""
        with self._lock:
            executions = tuple(self._executions)
        for execution in executions:
            execution.stop(KeyboardInterrupt())

    def close(self) -> None:
        """See Remote. A connection that is still being opened is closed as soon as it is open."""
        with self._lock:
            connecting, self._connecting = self._connecting, None
        if connecting:
            connecting.add_done_callback(_hang_up)

    def _connected(self) -> _Connected:
        """The connection, a new one if the last is gone. Raise Unreachable."""
        connecting = self._connect()
        try:
            return connecting.result()
        except BaseException:
            self._forget(connecting)  # the next one tries anew
            raise

    def _connect(self) -> Future[_Connected]:
        with self._lock:
            if self._connecting is None or _is_gone(self._connecting):
                self._connecting = in_background(self._open_link)
            return self._connecting

    def _open_link(self) -> _Connected:
        from autogrowth_ops.remote.fabric_link import open_link

        return _Connected(open_link(self.host, self._connect_timeout_seconds))

    def _forget(self, connecting: Future[_Connected]) -> None:
        with self._lock:
            if self._connecting is connecting and connecting.done():
                self._connecting = None

    def _process(self, connected: _Connected, script: str) -> ChannelProcess:
        try:
            return connected.process(script)
        except ConnectionLost as error:
            raise self._lost(error) from error

    def _lost(self, error: ConnectionLost) -> Unreachable:
        words = not_started if isinstance(error, NotStarted) else connection_lost
        return words(self.host.name, str(error))

    @contextmanager
    def _executing(self, execution: Execution) -> Iterator[Execution]:
        """Let `interrupt` find it."""
        with self._lock:
            self._executions.add(execution)
        try:
            yield execution
        finally:
            with self._lock:
                self._executions.discard(execution)

    def _end(self, connected: _Connected, process: ChannelProcess) -> bool:
        """End what a script has left running; whether that could be done."""
        group = process.group
        if group is None:
            return False
        try:
            ending = connected.process(shell.end_group(group))
            limit_seconds = shell.GRACE_SECONDS + self._connect_timeout_seconds
            return Execution(ending).carry_out(b"", limit_seconds).exit_code == 0
        except (ConnectionLost, TimeIsUp):
            return False


def _is_gone(connecting: Future[_Connected]) -> bool:
    return connecting.done() and connecting.exception() is None and not connecting.result().link.is_active()


def _hang_up(connecting: Future[_Connected]) -> None:
    if connecting.exception() is None:
        connecting.result().link.close()
