"""inv deploy, rollback, releases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from invoke import Context, Exit

from ..errors import UsageError
from . import output
from .asking import agreed
from .boundary import end_without, ops_task
from .opening import seconds, session_for

if TYPE_CHECKING:
    from ..model.plan import Step
    from ..model.release import Release
    from ..operations.migrations import Agree
    from ..operations.outcome import Outcome, Prepared
    from ..operations.releases import Detail, Listed
    from ..session import Session

MIGRATE, REASON_LETTERS = "migrate", 60
YES = "go back over migrations without being asked"
WAIT = "how long to wait for somebody else's deploy, as 30s or 10m; default: not at all, exit code 6"


@ops_task(
    common=("env", "sandbox", "json", "dry-run"),
    help={
        "version": "a release of `inv releases` or a git ref; default: what is checked out",
        "allow_dirty": "deploy the working folder as it stands, with uncommitted changes; the release is named -dirty",
        "skip_tests": "leave out the application's tests; the release records it",
        "yes": YES,
        "wait": WAIT,
    },
)
def deploy(
    context: Context,
    env: str = "",
    version: str = "",
    allow_dirty: bool = False,
    skip_tests: bool = False,
    yes: bool = False,
    wait: str = "0",
    dry_run: bool = False,
    json: bool = False,
    sandbox: bool = False,
) -> None:
    """Put a version live without losing a request; undone by itself if it is not healthy.

    Examples: inv deploy --env=production
              inv deploy --env=production --version=v1.4.2 --dry-run"""
    with session_for(context, env, sandbox=sandbox, quiet=json) as session:
        from ..operations import deploy as operation  # while the hosts are being connected to

        if dry_run:
            prepared = operation.prepare(session, version, allow_dirty=allow_dirty, wait_seconds=None)
            _show_plan(session, prepared, json=json)
        else:
            outcome = operation.deploy(
                session,
                version,
                allow_dirty=allow_dirty,
                skip_tests=skip_tests,
                wait_seconds=seconds(wait),
                agree=None if yes else _asking(session, "deploy --version"),
            )
            _show_outcome(session, outcome, json=json)


@ops_task(
    common=("env", "sandbox", "json", "dry-run"),
    help={"to": "a release of `inv releases`; default: the newest good one before this", "yes": YES, "wait": WAIT},
)
def rollback(
    context: Context,
    env: str = "",
    to: str = "",
    yes: bool = False,
    wait: str = "0",
    dry_run: bool = False,
    json: bool = False,
    sandbox: bool = False,
) -> None:
    """Go back to an older release: its image, its configuration, its variables.

    Examples: inv rollback
              inv rollback --to=20261123-101500-1a2b3c4"""
    with session_for(context, env, sandbox=sandbox, quiet=json, need_secrets=False) as session:
        from ..operations import rollback as operation  # while the hosts are being connected to

        if dry_run:
            _show_plan(session, operation.prepare(session, to, wait_seconds=None), json=json)
        else:
            agree = None if yes else _asking(session, "rollback --to")
            outcome = operation.rollback(session, to, wait_seconds=seconds(wait), agree=agree)
            _show_outcome(session, outcome, json=json)


def _asking(session: Session, command: str) -> Agree:
    """Asks the person at the terminal; where nobody is, the error names the option that does without."""

    def agree(prepared: Prepared) -> None:
        words, _, option = command.partition(" ")
        again = f"inv {words} {session.environment.options} {option}={prepared.change.release.id} --yes"
        if not agreed(f"{prepared.warning}. Go back?", f"{prepared.warning}; if that is what you want: {again}"):
            raise Exit(code=UsageError.exit_code)

    return agree


@ops_task(
    common=("env", "host", "sandbox", "json"),
    help={"release": "all that is kept of this one, with what its migrations printed"},
)
def releases(
    context: Context, env: str = "", host: str = "", release: str = "", json: bool = False, sandbox: bool = False
) -> None:
    """List the releases on the hosts, newest first, and which one serves.

    Examples: inv releases --env=production
              inv releases --release=20261123-101500-1a2b3c4"""
    from ..operations.releases import detail, list_releases

    with session_for(context, env, host, sandbox=sandbox, quiet=True, need_secrets=False) as session:
        if release:
            _show_release(detail(session, release), json=json)
            return
        found, missing = list_releases(session)
        options = session.environment.options
    if json:
        output.document(found)
    elif found:
        _show_releases(found)
    elif not missing:
        output.line(f"no release yet; run: inv deploy {options}")
    end_without(missing)


def _show_releases(found: Sequence[Listed]) -> None:
    output.table(
        ("release", "state", "serves on", "version", "by", "tests", "subject"),
        [
            (
                one.release.id,
                one.release.state,
                ", ".join(one.serves_on),
                one.release.version.ref if one.release.version.ref != "HEAD" else one.release.version.commit[:7],
                one.release.created_by,
                one.release.tests,
                _about(one.release),
            )
            for one in found
        ],
        styles=["green" if one.serves_on else ("red" if one.release.state == "bad" else "") for one in found],
    )


def _about(release: Release) -> str:
    if release.state == "bad" and release.reason:
        return f"failed: {output.shortened(release.reason, REASON_LETTERS)}"
    return release.version.subject


def _show_release(found: Detail, *, json: bool) -> None:
    if json:
        output.document(found)
        return
    release = found.listed.release
    rows = {
        "release": release.id,
        "state": release.state,
        "why": release.reason,
        "serves on": ", ".join(found.listed.serves_on),
        "kept on": ", ".join(found.listed.hosts),
        "commit": release.version.commit,
        "subject": release.version.subject,
        "created": f"{release.created_at} by {release.created_by}",
        "tests": release.tests,
        "image": release.image_id,
        "steps": ", ".join(f"{step} {milliseconds / 1000:.1f} s" for step, milliseconds in release.timings.items()),
    }
    for name, value in rows.items():
        if value:
            output.line(f"{name:10} {value}")
    for host, text in found.migrations.items():
        output.line(f"--- what its migrations printed on {host}")
        output.line(text)


def _show_plan(session: Session, prepared: Prepared, *, json: bool) -> None:
    from ..operations.difference import differences

    steps = prepared.plan.steps() if prepared.is_needed else ()
    changes = differences(session, prepared.change) if steps else ()
    if json:
        output.document(_plan_document(prepared, steps, changes))
        return
    output.line(
        f"plan for {prepared.change.release.id}; nothing was changed"
        if steps
        else "nothing to do: this is what serves already"
    )
    if steps:
        output.table(
            ("host", "step", "if it fails later"),
            [(step.host, step.title, _if_it_fails_later(step)) for step in steps],
        )
    if steps and prepared.warning:
        output.line(prepared.warning, "yellow")
    for text in changes:
        output.line(text, "green" if text.startswith("+") else ("red" if text.startswith("-") else ""))


def _if_it_fails_later(step: Step) -> str:
    if step.final:
        return "cannot be undone"
    if step.key == MIGRATE:
        return "is not undone"
    return "is undone" if step.undo else "nothing to undo"


def _plan_document(prepared: Prepared, steps: Sequence[Step], changes: Sequence[str]) -> dict[str, object]:
    listed = [
        {"host": step.host, "step": step.key, "title": step.title, "undo": bool(step.undo), "final": step.final}
        for step in steps
    ]
    release = prepared.change.release.id
    warning = prepared.warning if steps else ""
    shown = {"release": release, "is_needed": prepared.is_needed, "warning": warning}
    return {**shown, "differences": changes, "steps": listed}


def _show_outcome(session: Session, outcome: Outcome, *, json: bool) -> None:
    from ..operations.rehearsal import urls

    found = urls(session.environment)
    if json:
        output.document(
            {
                "release": outcome.release.id,
                "was": outcome.was,
                "changed": outcome.changed,
                "hosts": outcome.hosts,
                "urls": found,
                "seconds": round(outcome.seconds, 3),
                "timings": outcome.timings,
                "trips": outcome.trips,
                "commits": outcome.commits,
                "skipped": outcome.skipped,
            }
        )
        return
    where = ", ".join(f"{host} {found.get(host, '')}".strip() for host in outcome.hosts)
    if not outcome.changed:
        output.line(f"nothing to do: {outcome.release.id} serves on {where} ({outcome.seconds:.1f} s)", "green")
        return
    for text in outcome.commits[:10]:
        output.line(f"  {text}")
    output.line(
        f"{outcome.release.id} serves on {where} ({outcome.seconds:.1f} s"
        f"{f'; before: {outcome.was}' if outcome.was else ''})",
        "green",
    )


TASKS = (deploy, rollback, releases)
