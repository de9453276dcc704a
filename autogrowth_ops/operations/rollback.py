"""Go back to a good release, with its image, configuration and variables: a deploy's plan with an older release."""

from __future__ import annotations

from dataclasses import replace

from ..errors import RolloutFailed, UndoFailed, UsageError
from ..model.release import Release, rollback_target
from ..session import Session
from .deploy import listed, prepare_known, put_live
from .hooks import with_hooks
from .locking import when_free
from .look import observe, preflight
from .migrations import Agree, agreed
from .outcome import Outcome, Prepared


def prepare(session: Session, to: str = "", *, wait_seconds: float | None = 0) -> Prepared:
    """Plan the way back to release `to`; empty is the newest good one before the serving one.

    Raise UsageError if there is no such release."""
    observed = when_free(session, observe(session), wait_seconds)
    preflight(session, observed)
    app = [host for host in session.environment.app_hosts() if host.name in observed]
    first = observed[app[0].name]
    current = first.serving()
    target: Release | None
    if to:
        target = first.release(to)
        if target is None or target.state != "good":
            raise UsageError(
                f"{to}: {'this release failed' if target else 'no such release'}; there are: {listed(observed)}"
            )
    else:
        target = rollback_target(first.releases, current) if current else None
        if target is None:
            raise UsageError(
                f"{app[0].name}: no good release before {current or 'the first'}; there are: {listed(observed)}"
            )
    return prepare_known(session, observed, target, f"rollback to {target.id}")


def rollback(session: Session, to: str = "", *, wait_seconds: float = 0, agree: Agree | None = None) -> Outcome:
    """Put the older release live again; `agree` is asked before it goes back over migrations, without it nobody is.

    Raise UndoFailed if it does not come up: a person is needed; what served before serves still, or the message says
    that it does not. It names no commits: none of them is new."""
    began = session.clock.monotonic()
    first = prepare(session, to, wait_seconds=wait_seconds)
    prepared = agreed(first, agree, lambda: prepare(session, first.change.release.id, wait_seconds=wait_seconds))
    return with_hooks(session, "rollback", prepared, began, lambda: _go_back(session, prepared, began))


def _go_back(session: Session, prepared: Prepared, began: float) -> Outcome:
    try:
        return replace(put_live(session, prepared, began, skip_tests=True), commits=())
    except UndoFailed:
        raise
    except RolloutFailed as error:
        raise UndoFailed(f"{error}; a person is needed: neither release can be trusted now", error.details) from error
