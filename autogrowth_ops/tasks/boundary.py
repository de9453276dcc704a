"""Where tasks meet Invoke: errors become messages and exit codes, once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from functools import wraps
from types import FrameType
from typing import TypeVar

from invoke import Context, Exit
from invoke.tasks import Task

from ..errors import INTERRUPTED, HostsFailed, OpsError
from . import output

R = TypeVar("R")
DEFECT = 1
COMMON: Mapping[str, str] = {
    "env": "name of a file in env/; default: $AUTOGROWTH_ENV, else production",
    "host": "only this host; its environment is found by its name",
    "json": "print one JSON document instead of text",
    "sandbox": "use the throwaway hosts of `inv sandbox.up` in the place of the real ones",
    "dry-run": "show what would be done and touch nothing",
}


def ops_task(
    *,
    name: str = "",
    help: Mapping[str, str] | None = None,  # noqa: A002 Invoke's own name for it
    common: tuple[str, ...] = ("env",),
) -> Callable[[Callable[..., R]], Task[Callable[..., R]]]:
    """An Invoke task whose errors end in a message on stderr and an exit code; the signature stays as it is.

    With its option `json` the message is a document on stdout too.

    `common` names the options every task spells alike; `help` explains the task's own."""

    def decorate(body: Callable[..., R]) -> Task[Callable[..., R]]:
        @wraps(body)
        def bounded(context: Context, *args: object, **options: object) -> R:
            signal.signal(signal.SIGTERM, _interrupt)
            output.survive_encodings()
            as_json = bool(options.get("json"))
            try:
                return body(context, *args, **options)
            except OpsError as error:
                output.failure(error, as_json=as_json)
                raise Exit(code=error.exit_code) from error
            except KeyboardInterrupt as error:
                output.interrupted(INTERRUPTED, as_json=as_json)
                raise Exit(code=INTERRUPTED) from error
            except BrokenPipeError as error:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                raise Exit(code=0) from error
            except Exit:
                raise
            except Exception as error:
                output.defect(error, DEFECT, as_json=as_json)
                raise Exit(code=DEFECT) from error

        explained = {key.replace("-", "_"): COMMON[key] for key in common}
        explained.update(help or {})
        return Task(
            bounded,
            name=name or body.__name__.rstrip("_"),
            help={key.replace("_", "-"): text for key, text in explained.items()},
            auto_shortflags=False,
        )

    return decorate


def end_without(missing: Mapping[str, Exception]) -> None:
    """Say on stderr which hosts gave no answer, and end with exit code 3; nothing if all did."""
    if missing:
        error = HostsFailed(missing, ())
        output.failure(error)
        raise Exit(code=error.exit_code)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
