"""What a person has to know of migrations: a way back over them, and one that still runs."""

from __future__ import annotations

from collections.abc import Callable

from ..engines.request import Change
from ..model.environment import Environment
from ..session import Session
from .outcome import Prepared

Agree = Callable[[Prepared], None]


def warning(environment: Environment, change: Change) -> str:
    """What it means that a change goes back over migrations; empty if it does not."""
    left = change.left_behind(environment.app.migrate)
    if left is None:
        return ""
    is_known = left.migration_hash and change.release.migration_hash
    ran = "ran" if is_known else "may have run (that was not recorded: app/migrate/paths)"
    between = f"migrations {ran} between {change.release.id} and {left.id}"
    if environment.policies.migrate_down == "on_rollback":
        return f"{between}: they are taken back once {left.id} has stopped, and what they hold is lost"
    return f"{between}: the schema stays as it is, and the older code has to work with it"


def agreed(prepared: Prepared, agree: Agree | None, again: Callable[[], Prepared]) -> Prepared:
    """What was prepared, `again` after a person was asked: that takes time. Whoever is asked raises to refuse."""
    if not prepared.warning or not prepared.is_needed or agree is None:
        return prepared
    agree(prepared)
    return again()


def tell_of_running(session: Session, prepared: Prepared) -> None:
    """Note a migration that goes on from a deploy that was lost, if one of this plan will wait for it."""
    for step in prepared.plan.steps():
        running = prepared.change.observed[step.host].migration() if step.key in ("migrate", "migrate-down") else None
        if running:
            session.note(f"a migration that {running.release} began still runs; it is waited for", step.host)
