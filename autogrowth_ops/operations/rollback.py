"""Go back to a good release, with its image, configuration and variables: a deploy's plan with an older release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..errors import RolloutFailed, UndoFailed, UsageError
from ..model.observation import Observation
from ..model.release import Release, rollback_target, shared
from ..session import Session
from .deploy import listed, prepare_known, put_live
from .hooks import with_hooks
from .locking import when_free
from .look import observe, preflight
from .migrations import Agree, agreed
from .outcome import Outcome, Prepared


def prepare(session: Session, to: str = "", *, wait_seconds: float | None = 0) -> Prepared:
    """Plan the way back to release `to`; empty is the newest before the serving one that is good on every app host.

    Where the hosts serve several releases, that is the newest before the newest of them. Raise UsageError if there is
    no such release."""
    observed = when_free(session, observe(session), wait_seconds)
    preflight(session, observed)
    app = {host.name: observed[host.name] for host in session.environment.app_hosts() if host.name in observed}
    target = _named(app, observed, to) if to else _before(app, observed)
    return prepare_known(session, observed, target, f"rollback to {target.id}")


def _named(app: Mapping[str, Observation], observed: Mapping[str, Observation], wanted: str) -> Release:
    records = {name: record for name, one in app.items() if (record := one.release(wanted))}
    if not records:
        raise UsageError(f"{wanted}: no such release; there are: {listed(observed)}")
    failed = [name for name, record in records.items() if record.state != "good"]
    if failed:
        where = f" on {', '.join(failed)}" if len(app) > 1 else ""
        raise UsageError(f"{wanted}: this release failed{where}; there are: {listed(observed)}")
    return next(iter(records.values()))


def _before(app: Mapping[str, Observation], observed: Mapping[str, Observation]) -> Release:
    current = max(filter(None, (one.serving() for one in app.values())), default=None)
    target = rollback_target(shared(one.releases for one in app.values()), current) if current else None
    if target is None:
        everywhere = f" that {', '.join(app)} all have" if len(app) > 1 else ""
        raise UsageError(
            f"{', '.join(app)}: no good release before {current or 'the first'}{everywhere}; "
            f"there are: {listed(observed)}"
        )
    return target


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
        failed = UndoFailed(f"{error}; a person is needed: neither release can be trusted now", error.details)
        failed.hosts = error.hosts
        raise failed from error
