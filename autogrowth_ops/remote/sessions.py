"""Session channels of one connection, the next one always opened ahead."""

from __future__ import annotations

import threading
from concurrent.futures import Future

from autogrowth_ops.remote.background import in_background
from autogrowth_ops.remote.channel import Channel, Link
from autogrowth_ops.remote.execution import NotStarted


class Sessions:
    """A command takes a channel that is open already, so that it costs one round trip instead of two."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._lock = threading.Lock()
        self._ahead: Future[Channel] | None = None

    def take(self) -> Channel:
        """An open channel; another one is opened meanwhile. Raise NotStarted if the server opens none."""
        with self._lock:
            ahead, self._ahead = self._ahead, None
        channel = _usable(ahead) or self._open()
        self.prepare()
        return channel

    def prepare(self) -> None:
        """Open the next channel, in the background."""
        with self._lock:
            self._ahead = self._ahead or in_background(self._open)

    def _open(self) -> Channel:
        try:
            return self._link.open_channel()
        except self._link.errors as error:
            raise NotStarted(f"no session could be opened: {error}") from error


def _usable(ahead: Future[Channel] | None) -> Channel | None:
    """The channel opened ahead, unless it failed or the server closed it since; then a new one shows why."""
    if ahead is None or ahead.exception() is not None:
        return None
    channel = ahead.result()
    return None if channel.closed else channel
