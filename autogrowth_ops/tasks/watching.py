"""inv health, status, logs, checklist, audit: looking, never changing."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from invoke import Context, Exit

from ..model.texts import text
from . import arguments, output
from .boundary import end_without, ops_task
from .opening import session_for

if TYPE_CHECKING:
    from ..model.check import Check
    from ..model.checklist import Result
    from ..model.texts import Language
    from ..operations.audit import Entry
    from ..operations.logs import LogLine
    from ..operations.status import HostStatus

UNHEALTHY, BODY_LETTERS = 7, 80
STEP = ("at", "host", "by", "release", "step")
READS = ("env", "host", "sandbox", "json")
STYLES = {"passed": "green", "warning": "yellow", "failed": "bold red"}


@ops_task(common=READS)
def health(context: Context, env: str = "", host: str = "", json: bool = False, sandbox: bool = False) -> None:
    """Ask the API (through the proxy and each replica), Postgres and Redis. Exit code 7 if anything fails."""
    from ..model.check import worst
    from ..operations.health import health as operation

    with session_for(context, env, host, sandbox=sandbox, quiet=True) as session:
        checks, language = operation(session), session.environment.language
        trips = session.trips()
    verdict = worst(checks)
    if json:
        output.document({"verdict": verdict, "checks": checks, "trips": trips})
    else:
        output.table(
            ("", text(language, "host"), text(language, "check"), "ms", text(language, "details")),
            [
                (
                    output.mark(check.verdict),
                    check.host,
                    check.name,
                    "" if check.milliseconds is None else str(check.milliseconds),
                    _details(check),
                )
                for check in checks
            ],
            styles=[STYLES[check.verdict] for check in checks],
        )
    if verdict == "failed":
        raise Exit(code=UNHEALTHY)


def _details(check: Check) -> str:
    is_body = check.name == "api" or check.name.startswith("replica:")
    return output.shortened(check.details, BODY_LETTERS) if is_body else check.details


@ops_task(common=READS, help={"all": "list the stopped containers of kept releases too"})
def status(
    context: Context,
    env: str = "",
    host: str = "",
    all: bool = False,  # noqa: A002 the option's name
    json: bool = False,
    sandbox: bool = False,
) -> None:
    """Show what serves where: release, containers, since when, restarts, limits."""
    from ..operations.status import status as operation

    with session_for(context, env, host, sandbox=sandbox, quiet=True, need_secrets=False) as session:
        found, missing = operation(session)
        language = session.environment.language
    if json:
        output.document(
            [
                {
                    "host": one.host,
                    "serving": one.serving,
                    "lock": one.lock,
                    "retiring": one.observed.retiring,
                    "containers": one.containers,
                }
                for one in found
            ]
            + [{"host": name, "problem": str(error)} for name, error in missing.items()]
        )
    for one in found if not json else ():
        _show_status(one, language, every=all)
    end_without(missing)


def _show_status(found: HostStatus, language: Language, *, every: bool) -> None:
    from ..model.sizes import written_size

    release = found.serving
    what = text(language, "no release")
    if release:
        what = text(language, "serves", release.id, release.version.subject, release.created_by)
    output.line(f"{found.host}: {what}", "green" if release else "yellow")
    if found.lock:
        output.line(f"{found.host}: {text(language, 'locked', found.lock)}", "yellow")
    for old, seconds in found.observed.retiring.items():
        if seconds > 0:
            output.line(f"{found.host}: {text(language, 'retiring', old, seconds)}", "dim")
    kept = () if every else found.kept()
    rows = [row for row in found.containers if row not in kept]
    if rows:
        output.table(
            [text(language, key) for key in ("container", "release", "state", "restarts", "memory", "cpus")],
            [
                (
                    row.container.label,
                    row.container.release or text(language, "stack"),
                    row.container.status,
                    str(row.restarts),
                    written_size(row.memory_bytes) if row.memory_bytes else text(language, "no limit"),
                    f"{row.cpus:g}" if row.cpus else text(language, "no limit"),
                )
                for row in rows
            ],
            styles=["" if row.container.is_running else "dim" for row in rows],
        )
    if kept:
        releases = len({row.container.release for row in kept})
        endings = ["" if number == 1 else "s" for number in (len(kept), releases)]
        output.line(text(language, "kept", len(kept), releases, *endings), "dim")


@ops_task(
    common=READS,
    help={
        "follow": "go on printing lines as they come, until Ctrl-C",
        "service": "only these, separated by commas (also proxy, postgres, redis); default: the application's",
        "since": "how far back, as 10m, 2h or 2026-11-23T10:00:00Z",
        "tail": "at most so many lines of each container, or `all`; default: 200",
    },
)
def logs(
    context: Context,
    env: str = "",
    host: str = "",
    service: str = "",
    since: str = "",
    tail: str = "200",
    follow: bool = False,
    json: bool = False,
    sandbox: bool = False,
) -> None:
    """Print log lines of all hosts, merged by time.

    Examples: inv logs --since=10m
              inv logs --follow --service=web,proxy"""
    from ..operations.logs import logs as operation

    lines, begin = arguments.tail(tail), arguments.since(since)

    def each(found: LogLine) -> None:
        if json:
            output.document(found, indent=None)
        else:
            output.line(f"{found.at[:23]} {found.host} {found.label} {found.text}")

    services = tuple(filter(None, service.split(",")))
    quiet_end = suppress(KeyboardInterrupt) if follow else nullcontext()
    with quiet_end, session_for(context, env, host, sandbox=sandbox, quiet=True, need_secrets=False) as session:
        missing = operation(session, services, tail=lines, since=begin, follow=follow, each=each)
        end_without(missing)


@ops_task(common=READS)
def checklist(context: Context, env: str = "", host: str = "", json: bool = False, sandbox: bool = False) -> None:
    """Go through the daily checklist; each item passed, warned or failed. Exit code 7 if one failed.

    Examples: inv checklist --host=prod1
              inv checklist --env=production --json"""
    from ..model.checklist import counts
    from ..operations.checklist import checklist as operation

    with session_for(context, env, host, sandbox=sandbox, quiet=True) as session:
        results = operation(session)
        language = session.environment.language
    summary = counts(results)
    if json:
        output.document({"summary": summary, "items": results})
    else:
        _show_checklist(results, language)
    if summary["failed"] or not results:
        raise Exit(code=UNHEALTHY)


def _show_checklist(results: tuple[Result, ...], language: Language) -> None:
    from ..model.checklist import ITEMS, counts

    titles = {"ssh": text(language, "ssh"), **{item.name: item.titles[language] for item in ITEMS}}
    output.table(
        ("", *(text(language, key) for key in ("host", "item", "result", "value", "limit"))),
        [
            (output.mark(one.verdict), one.host, titles[one.item], text(language, one.verdict), one.value, one.limit)
            for one in results
        ],
        styles=[STYLES[one.verdict] for one in results],
    )
    summary = counts(results)
    verdict = "failed" if summary["failed"] else ("warning" if summary["warning"] else "passed")
    output.line(", ".join(f"{text(language, name)} {number}" for name, number in summary.items()), STYLES[verdict])


@ops_task(
    common=READS, help={"lines": "how many of the newest steps of each host, with --json of its entries; default: 50"}
)
def audit(
    context: Context, env: str = "", host: str = "", lines: str = "50", json: bool = False, sandbox: bool = False
) -> None:
    """Show what was done on the hosts, by whom, when, with what outcome."""
    from ..operations.audit import audit as operation
    from ..operations.audit import audited_steps

    wanted = arguments.number("--lines", lines)
    with session_for(context, env, host, sandbox=sandbox, quiet=True, need_secrets=False) as session:
        entries, missing = operation(session, wanted) if json else audited_steps(session, wanted)
    if json:
        output.document(entries)
    elif entries:
        output.table(
            ("at", "host", "by", "release", "step", "outcome", "ms"),
            [
                (*(str(entry.get(key, "")) for key in STEP), _outcome(entry), str(entry.get("ms", "")))
                for entry in entries
            ],
        )
    elif not missing:
        output.line("nothing was done yet")
    end_without(missing)


def _outcome(entry: Entry) -> str:
    word, _, code = str(entry.get("outcome", "")).partition(":")
    return f"{word} (exit code {code})" if code else word


TASKS = (health, status, logs, checklist, audit)
