"""Open the door to a host, and act on many at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

from autogrowth_ops.errors import HostsFailed
from autogrowth_ops.remote.local import LOCAL_ADDRESS, LocalRemote
from autogrowth_ops.remote.ssh import FabricRemote

if TYPE_CHECKING:
    from autogrowth_ops.model.environment import Host
    from autogrowth_ops.remote.protocol import Remote

T = TypeVar("T")
RETRY_INTERRUPT_SECONDS = 0.1


def open_remote(host: Host, connect_timeout_seconds: float) -> Remote:
    """A remote for `host`, not connected yet; this machine itself if its address is `local`."""
    if host.address == LOCAL_ADDRESS:
        return LocalRemote(host)
    return FabricRemote(host, connect_timeout_seconds)


def on_hosts(remotes: Sequence[Remote], action: Callable[[Remote], T], *, at_once: int) -> dict[Host, T]:
    """What `action` gave for each host, in the order of `remotes`, `at_once` of them in parallel.

    Every action is let end before HostsFailed is raised with all failures; with one host only, its own error is.
    Ctrl-C ends what runs on the hosts, waits for the actions and raises KeyboardInterrupt."""
    if len(remotes) == 1:
        return {remotes[0].host: action(remotes[0])}
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        futures = {remote.host: pool.submit(action, remote) for remote in remotes}
        try:
            wait(futures.values())
        except KeyboardInterrupt:
            _interrupt(remotes, list(futures.values()))
            raise
    return _results(futures)


def _interrupt(remotes: Sequence[Remote], futures: Sequence[Future[T]]) -> None:
    """Ask again and again: an action may have been between two runs when it was asked first."""
    for future in futures:
        future.cancel()
    while wait(futures, timeout=RETRY_INTERRUPT_SECONDS).not_done:
        for remote in remotes:
            remote.interrupt()


def _results(futures: Mapping[Host, Future[T]]) -> dict[Host, T]:
    failures: dict[str, Exception] = {}
    for host, future in futures.items():
        error = future.exception()
        if isinstance(error, Exception):
            failures[host.name] = error
        elif error is not None:
            raise error
    if failures:
        succeeded = tuple(host.name for host in futures if host.name not in failures)
        raise HostsFailed(failures, succeeded) from next(iter(failures.values()))
    return {host: future.result() for host, future in futures.items()}
