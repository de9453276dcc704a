"""The errors a rollout ends with: what failed, what stands now, who serves what, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..engines.request import Change
from ..errors import OpsError, RolloutFailed, Serves, UndoFailed, Unreachable
from ..model.release import ReleaseId
from ..session import Session
from .host_run import Failure
from .look import serving_now
from .undoing import Left

MIGRATED = ", on the migrated database"


def undone(session: Session, change: Change, failures: Sequence[Failure], *, is_migrated: bool) -> OpsError:
    """Everything is as it was, but for the database if it was migrated."""
    stays = MIGRATED if is_migrated else ""
    error = RolloutFailed(f"{_what(failures)}; {stands(session, change)}{stays}", _details(failures))
    if len(set(_was(session, change).values())) > 1:
        error.hosts = _hosts(session, change)
    return error


def stands(session: Session, change: Change) -> str:
    """What a person wants to hear of behind an undo that went well."""
    serves = any(_was(session, change).values())
    return "undone, what served before still serves" if serves else "undone, nothing serves yet"


def not_undone(session: Session, change: Change, left: Left, reason: str) -> OpsError:
    """Some hosts could not be taken back: Unreachable, if that is all and no two releases are known to serve."""
    hosts, options = _hosts(session, change), session.environment.options
    error: OpsError
    if left.failed or len({one.serves for one in hosts if not one.problem}) > 1:
        onward = f", then {_onward(session, change)}" if hosts else ""
        error = UndoFailed(f"{_left(left)}; after: {reason}; a person is needed: inv status {options}{onward}")
    else:
        error = Unreachable(
            f"{reason}; {', '.join(left.lost)} cannot be asked: what was begun there ends by itself, and what it left "
            f"is cleared up by the next deploy; look: inv status {options}, then: inv deploy {options}"
        )
    error.hosts = hosts
    return error


def halted(
    session: Session, change: Change, live: Iterable[str], failures: Sequence[Failure], left: Left, *, is_migrated: bool
) -> OpsError:
    """Some hosts have the release, others do not: a person has to decide."""
    what = "; ".join(filter(None, (_what(failures), _left(left))))
    where = f"{', '.join(live)}{MIGRATED if is_migrated else ''}"
    error = UndoFailed(
        f"{what}; halted: {change.release.id} serves on {where}; a person is needed: {_onward(session, change)}",
        _details(failures),
    )
    error.hosts = _hosts(session, change)
    return error


def unfinished(session: Session, change: Change, why: str, failures: Sequence[Failure]) -> OpsError:
    """The release serves, but what it replaced is not cleared away."""
    options = session.environment.options
    error = UndoFailed(
        f"{why}; {change.release.id} serves, but what should have ended may still run, and the lock is held: "
        f"inv status {options}, then inv lock.release {options}",
        _details(failures),
    )
    error.hosts = _hosts(session, change)
    return error


def _what(failures: Sequence[Failure]) -> str:
    return "; ".join(map(str, failures))


def _details(failures: Sequence[Failure]) -> list[str]:
    return [line for failure in failures for line in failure.details()]


def _left(left: Left) -> str:
    found = [f"{name}: undo failed: {why}" for name, why in left.failed.items()]
    return "; ".join([*found, *(f"{name}: not undone, it gives no answer: {why}" for name, why in left.lost.items())])


def _hosts(session: Session, change: Change) -> tuple[Serves, ...]:
    """Who serves what, read anew; nothing where there is only one app host."""
    was = _was(session, change)
    return serving_now(session, was) if len(was) > 1 else ()


def _was(session: Session, change: Change) -> Mapping[str, ReleaseId | None]:
    app = [host.name for host in session.environment.app_hosts() if host.name in change.observed]
    return {name: change.old(name) for name in app}


def _onward(session: Session, change: Change) -> str:
    """The commands that bring all hosts to one release."""
    options, release = session.environment.options, change.release
    version = release.version.ref if change.is_new else release.id
    words = [f"inv deploy {options}", f"--version={version}" if version != "HEAD" else ""]
    words.append("--allow-dirty" if change.is_new and release.version.is_dirty else "")
    olds = set(_was(session, change).values()) - {release.id}
    old = next(iter(olds)) if len(olds) == 1 else None
    back = f", or back: inv rollback {options} --to={old}" if old else ""
    return f"{' '.join(filter(None, words))} again{back}"
