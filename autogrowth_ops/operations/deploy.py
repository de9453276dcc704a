"""Put a version live: gate, preflight, lock, send, build, start beside the old, switch, verify, stop the old."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from ..commands import host as words
from ..engines.request import Change
from ..errors import HostUnready, UsageError
from ..model.observation import Observation
from ..model.plan import SourceChange
from ..model.release import ID_PATTERN, Release, Version, newest_first
from ..model.stack import stack_services
from ..model.then import as_of
from ..render import Renderer, digest
from ..session import Session
from . import passwords
from .carry_out import carry_out
from .drafting import Draft, draft_of
from .gate import run_gate
from .hooks import with_hooks
from .locking import when_free
from .look import observe, observing, preflight
from .migrations import Agree, agreed, tell_of_running, warning
from .outcome import Outcome, Prepared

FIRST_IMAGE_BYTES = 1 << 30  # what the example takes on an empty host: base images, compiler, packages, its own layers


def prepare(
    session: Session, version: str = "", *, allow_dirty: bool = False, wait_seconds: float | None = 0
) -> Prepared:
    """Look at the hosts and plan; with `wait_seconds` None, whoever is at work there.

    `version` is a release on the hosts or a git ref; empty is what is checked out.

    Raise UsageError, HostUnready, Unreachable or LockHeld before anything was changed."""
    if ID_PATTERN.match(version):
        observed = when_free(session, observe(session), wait_seconds)
        preflight(session, observed)
        known = _known(observed, session, version)
        serving = observed[session.environment.app_hosts()[0].name].serving()
        if serving != known.id:
            known = replace(known, was=serving or "")
        return prepare_known(session, observed, known, f"deploy {version}")
    with observing(session) as looked:
        source = session.source.version(version or "HEAD", allow_dirty=allow_dirty)
        draft = draft_of(session, source)
        seen = looked()
        observed = when_free(session, seen, wait_seconds)
        if observed is not seen:  # another release may have come meanwhile: this one must be the newer by its id
            draft = draft_of(session, source)
    prepared = _prepare_new(session, observed, draft)
    preflight(session, observed, prepared.change.stack, _builds(prepared.change))
    return prepared


def prepare_known(session: Session, observed: Mapping[str, Observation], target: Release, what: str) -> Prepared:
    """Plan to put a release live that the hosts already have."""
    app = [host.name for host in session.environment.app_hosts() if host.name in observed]
    lacking = [name for name in app if (one := observed[name].release(target.id)) is None or one.state == "bad"]
    if lacking:
        raise UsageError(
            f"{', '.join(lacking)}: no good release {target.id} there; deploy its commit: "
            f"inv deploy {session.environment.options} --version={target.version.commit[:12]}"
        )
    _require_stack(session, observed, target)
    target, renewed = passwords.with_present(session, observed, replace(target, state="good", reason=""))
    target = replace(target, image_id=words.IMAGE_ID)  # each host has an image of its own
    change = Change(target, session.lock(what), observed, is_new=False, renewed=renewed)
    is_needed = _has_stopped(session, observed) or any(
        observed[name].serving() != target.id or not _is_complete(session, observed[name], target) for name in app
    )
    return Prepared(change, session.engine.plan(change), is_needed, warning(session.environment, change))


def _require_stack(session: Session, observed: Mapping[str, Observation], target: Release) -> None:
    """Raise UsageError if the stack has no longer what the release stands on, and would not get it again."""
    for name, one in observed.items():
        host = session.environment.hosts[name]
        proxy = ("proxy",) if host.is_app() and target.public else ()
        missing = set(one.lacks((*proxy, *(target.stores if host.is_data() else ())), even_stopped=True))
        comes_again = missing <= set(stack_services(session.environment, host))
        if missing and not (
            comes_again and one.stack_hash == digest(Renderer(session.environment, session.root).stack(host))
        ):
            raise UsageError(
                f"{name}: {target.id} needs {', '.join(sorted(missing))}, which the stack has not any more; have it in "
                f"env/ and deploy: inv deploy {session.environment.options} --version={target.version.commit[:12]}"
            )


def deploy(
    session: Session,
    version: str = "",
    *,
    allow_dirty: bool = False,
    skip_tests: bool = False,
    wait_seconds: float = 0,
    agree: Agree | None = None,
) -> Outcome:
    """Put a version live; the old one serves until the new one answers, and goes on serving if it does not.

    `agree` is asked before an older release goes back over migrations; without it nobody is.

    Raise RolloutFailed (undone), UndoFailed, LockHeld, and what `prepare` raises."""
    began = session.clock.monotonic()

    def ready() -> Prepared:
        return prepare(session, version, allow_dirty=allow_dirty, wait_seconds=wait_seconds)

    prepared = agreed(ready(), agree, ready)
    return with_hooks(
        session, "deploy", prepared, began, lambda: put_live(session, prepared, began, skip_tests=skip_tests)
    )


def put_live(session: Session, prepared: Prepared, began: float, *, skip_tests: bool) -> Outcome:
    """Carry out what was prepared, the gate first if the release is new."""
    change = prepared.change
    skipped = tuple(name for name in session.remotes if name not in change.observed)
    app = tuple(host.name for host in session.environment.app_hosts() if host.name in change.observed)
    was = next((old for name in app if (old := change.old(name)) != change.release.id), change.old(app[0]))
    if not prepared.is_needed:
        serving = _serving(change, app[0])
        change = replace(change, release=serving, is_new=False)
        carry_out(session, session.engine.tidy(change), change)
        seconds = session.clock.monotonic() - began
        return Outcome(serving, was, False, app, seconds=seconds, trips=session.trips(), skipped=skipped)
    if change.is_new:
        tests = run_gate(session, change.release.version, skip=skip_tests)
        change = replace(change, release=replace(change.release, tests=tests))
        prepared = replace(prepared, change=change, plan=session.engine.plan(change))
    tell_of_running(session, prepared)
    timings = carry_out(session, prepared.plan, change)
    before = next((one for name in app if (one := change.observed[name].release(was))), None)
    commits = session.source.commits_between(before.version.commit, change.release.version.commit) if before else ()
    seconds = session.clock.monotonic() - began
    return Outcome(change.release, was, True, app, commits, seconds, timings, session.trips(), skipped)


def _known(observed: Mapping[str, Observation], session: Session, wanted: str) -> Release:
    for host in session.environment.app_hosts():
        if host.name in observed and (found := observed[host.name].release(wanted)):
            if found.state == "bad":
                raise UsageError(
                    f"{wanted}: this release failed ({found.reason or 'no reason recorded'}); deploy its commit again: "
                    f"inv deploy {session.environment.options} --version={found.version.commit[:12]}"
                )
            return found
    raise UsageError(f"{wanted}: no such release; there are: {listed(observed)}")


def listed(observed: Mapping[str, Observation]) -> str:
    """The releases of all hosts in one line, newest first."""
    every = {release.id: release for one in observed.values() for release in one.releases if release.state != "started"}
    return (
        ", ".join(
            f"{release.id}{' (bad)' if release.state == 'bad' else ''}" for release in newest_first(every.values())
        )
        or "none"
    )


def _prepare_new(session: Session, observed: Mapping[str, Observation], draft: Draft) -> Prepared:
    was = next((one.serving() for one in _of_app(session, observed)), None)
    draft = replace(draft, release=replace(draft.release, was=was or ""))
    hashes = {name: digest(files) for name, files in draft.stack.items() if name in observed}
    changed = {name: draft.stack[name] for name in hashes if observed[name].stack_hash != hashes[name]}
    verifiers = passwords.to_set(session.environment, observed, draft.release.passwords)
    is_changed = bool(changed or verifiers) or _has_stopped(session, observed)
    draft = _joining(session, observed, draft, {*changed, *verifiers})
    release = draft.release
    is_needed = is_changed or not all(_has(session, one, release) for one in _of_app(session, observed))
    change = Change(
        release,
        session.lock(f"deploy {release.id}"),
        observed,
        is_new=True,
        files=draft.files,
        stack=changed,
        stack_hashes=hashes,
        sources=_sources(session, observed, release.version),
        passwords=verifiers,
    )
    return Prepared(change, session.engine.plan(change), is_needed)


def _builds(change: Change) -> dict[str, int]:
    """About how many bytes the image takes on each host that builds one: as many as the largest that is there."""
    hash_ = change.release.build_hash
    return {
        name: one.image_bytes or FIRST_IMAGE_BYTES
        for name in change.files
        if not (one := change.observed[name]).same_image(hash_)
    }


def _joining(session: Session, observed: Mapping[str, Observation], draft: Draft, changed: Collection[str]) -> Draft:
    """The draft as the equal release that serves on some hosts already: they keep it, only the others get it.

    Not where stack or passwords of one that has it change: what is sent with them takes the place of the release."""
    there = [one for host in _of_app(session, observed) if (one := _equal(session, host, draft.release))]
    if not there:
        return draft
    known = newest_first(there)[0]
    having = {one.host for one in _of_app(session, observed) if one.is_good(known.id)}
    if not having.isdisjoint(changed):
        return draft
    made = {key: getattr(known, key) for key in ("id", "version", "created_at", "created_by", "image")}
    joined = draft_of(session, known.version, replace(draft.release, **made))
    return replace(joined, files={name: files for name, files in joined.files.items() if name not in having})


def _of_app(session: Session, observed: Mapping[str, Observation]) -> list[Observation]:
    return [one for name, one in observed.items() if session.environment.hosts[name].is_app()]


def _equal(session: Session, observed: Observation, release: Release) -> Release | None:
    """What serves on the host, if nothing of it would differ."""
    one = observed.release(observed.serving())
    is_whole = one and one.is_same_as(release) and one.state == "good" and _is_complete(session, observed, one)
    return one if is_whole else None


def _has(session: Session, observed: Observation, release: Release) -> bool:
    one = _equal(session, observed, release)
    return one is not None and one.id == release.id


def _sources(session: Session, observed: Mapping[str, Observation], version: Version) -> dict[str, SourceChange]:
    found = {}
    for name, one in observed.items():
        if session.environment.hosts[name].is_app() and one.source_tree != version.tree:
            base = one.source_tree if session.source.has(one.source_tree) else ""
            found[name] = SourceChange(version.tree, base)
    return found


def _is_complete(session: Session, observed: Observation, release: Release) -> bool:
    running = observed.running(release.id)
    services = as_of(session.environment, release).app.services
    return all(running.get(name, 0) == service.replicas for name, service in services.items())


def _has_stopped(session: Session, observed: Mapping[str, Observation]) -> bool:
    """Whether some of a stack that is there stands still."""
    hosts = session.environment.hosts
    return any(one.lacks(stack_services(session.environment, hosts[name])) for name, one in observed.items())


def _serving(change: Change, host: str) -> Release:
    current = change.observed[host].release(change.old(host))
    if current is None:
        raise HostUnready(f"{host}: the record of the serving release cannot be read")
    return current
