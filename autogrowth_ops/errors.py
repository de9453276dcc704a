"""Every failure a user can meet, one exit code per family.

OpsError 1                     a defect of ours when raised bare
├── UsageError 2               wrong words on the command line; no host was touched
│   └── ConfigError 2          env/ or templates/ cannot be used; lists every problem
├── HostError 3                a host cannot be used
│   ├── Unreachable 3          no connection, no login, no known host key
│   ├── HostUnready 3          reached, but not fit to deploy to
│   └── HostsFailed 3          several hosts, every outcome kept
├── RolloutFailed 4            failed and undone; the old release serves
├── UndoFailed 5               a person is needed: half done, or a fleet that serves two releases
├── LockHeld 6                 somebody else is deploying
└── Unhealthy 7                a check failed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Serves:
    """Ids of the release that an app host serves after a failure and of the one before the command; None is nothing.

    With a `problem` the host could not be asked, and what it serves is not known."""

    host: str
    serves: str | None
    was: str | None
    problem: str = ""


INTERRUPTED = 130  # exit code of a command that Ctrl-C or SIGTERM ended; no error of its own


class OpsError(Exception):
    """A failure with a message for people: `<where>: <what>: <why>; <what to do>`.

    `details` are evidence, `hosts` who serves what where that is not one and the same release."""

    exit_code = 1
    details: Sequence[str] = ()
    hosts: Sequence[Serves] = ()


class UsageError(OpsError):
    """The command line cannot be carried out as written."""

    exit_code = 2


class ConfigError(UsageError):
    """The configuration cannot be used; `problems` has one line for each thing to mend."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class HostError(OpsError):
    """A host cannot be used; nothing was changed on it."""

    exit_code = 3


class Unreachable(HostError):
    """No connection to the host could be opened, or it broke."""


class CommandTimedOut(Unreachable):
    """A remote command went over its limit and was ended, with its process group."""


class HostUnready(HostError):
    """The host answers but is not fit: no Docker, no permission, no space, wrong clock."""


class HostsFailed(HostError):
    """One or more of several hosts failed; `failures` maps host name to its error, `succeeded` lists the rest."""

    def __init__(self, failures: Mapping[str, Exception], succeeded: Sequence[str]) -> None:
        super().__init__("\n".join(str(error) for error in failures.values()))
        self.failures = dict(failures)
        self.succeeded = tuple(succeeded)
        self.exit_code = max(getattr(error, "exit_code", 1) for error in failures.values())


class RolloutFailed(OpsError):
    """A release could not be put live and was undone: the old release is serving. `details` holds the evidence."""

    exit_code = 4

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


class UndoFailed(RolloutFailed):
    """What was begun could neither be finished nor undone: a person is needed."""

    exit_code = 5


class LockHeld(OpsError):
    """Another deploy holds the environment's lock."""

    exit_code = 6


class Unhealthy(OpsError):
    """At least one check failed."""

    exit_code = 7
