"""Ask several hosts at the same time; one that gives no answer does not keep the others from theirs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from ..errors import HostError, HostsFailed
from ..remote import Remote, on_hosts

T = TypeVar("T")
Missing = Mapping[str, HostError]


def ask(remotes: Collection[Remote], action: Callable[[Remote], T]) -> tuple[dict[str, T], Missing]:
    """What `action` gave for each host, and why the missing ones gave nothing; both by name, in their order."""

    def asked(remote: Remote) -> T | HostError:
        try:
            return action(remote)
        except HostError as error:
            return error

    every = on_hosts(tuple(remotes), asked, at_once=len(remotes))
    found = {host.name: answer for host, answer in every.items() if not isinstance(answer, HostError)}
    missing = {host.name: answer for host, answer in every.items() if isinstance(answer, HostError)}
    return found, missing


def ask_any(remotes: Collection[Remote], action: Callable[[Remote], T]) -> tuple[dict[str, T], Missing]:
    """As `ask`; raise HostError if none of the hosts answers."""
    found, missing = ask(remotes, action)
    if not found:
        raise no_answer(missing)
    return found, missing


def no_answer(missing: Missing) -> HostError:
    """One error for them all."""
    errors = tuple(missing.values())
    return errors[0] if len(errors) == 1 else HostsFailed(missing, ())


def why(name: str, missing: Missing) -> str:
    """Why a host is missing, without its name in front."""
    return str(missing[name]).removeprefix(f"{name}: ")
