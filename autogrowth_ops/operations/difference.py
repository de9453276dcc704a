"""What a deploy would change in the files on the hosts, as a diff with secrets masked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import unified_diff

from ..commands import host as words
from ..engines.request import Change
from ..model.plan import RenderedFile
from ..render import SECRET_MODE, Renderer
from ..scripts import run_script
from ..session import Session
from .rendering import mask

SHOWN = ("compose.yml", "app.env", "Dockerfile", "logging.conf")


def differences(session: Session, change: Change) -> tuple[str, ...]:
    """Lines of a unified diff between the serving release's files and the new ones, one read trip a host."""
    hidden = Renderer(session.environment, session.root).secret_names()
    names = dict.fromkeys((*change.files, *change.stack))
    return tuple(line for name in names for line in _of_host(session, change, name, hidden))


def _of_host(session: Session, change: Change, name: str, hidden: Collection[str]) -> Iterator[str]:
    release, stack = change.files.get(name, ()), change.stack.get(name, ())
    serving = change.observed[name].release(change.old(name))
    hidden = {*hidden, *(serving.secret_variables if serving else ())}
    there = _read(session, name, change.old(name), [*release, *stack])
    shown = [("release", "releases", file) for file in release if file.path in SHOWN]
    for folder, title, file in (*shown, *(("stack", "stack", file) for file in stack)):
        before = _anonymous(there.get(f"{folder}/{file.path}", ""), change.old(name))
        after = _anonymous(file.text, change.release.id)
        is_secret = file.mode == SECRET_MODE
        yield from _diff(f"{name}:{title}/{file.path}", before, after, hidden if is_secret else ())


def _anonymous(text: str, release: str | None) -> str:
    """The text without the release's id, which always differs."""
    return text.replace(release, "<release>") if release else text


def _read(session: Session, host: str, old: str | None, files: list[RenderedFile]) -> Mapping[str, str]:
    base = session.environment.folder
    names = dict.fromkeys(file.path for file in files)
    calls = [words.in_section(f"stack/{name}", words.show(f"{base}/stack/{name}")) for name in names]
    if old:
        calls += [words.in_section(f"release/{name}", words.show(f"{base}/releases/{old}/{name}")) for name in names]
    result = run_script(session.remotes[host], calls, session.engine.variables(), timeout_seconds=30)
    return {name: text for name, (_, text) in result.sections().items()}


def _diff(title: str, before: str, after: str, hidden: Collection[str]) -> list[str]:
    old, new = (mask(text, hidden).splitlines() for text in (before, after))
    lines = list(unified_diff(old, new, title, title, n=1, lineterm=""))
    if lines or not hidden or before.strip() == after.strip():
        return lines
    return [f"--- {title}", f"+++ {title}", *(f"+{name}=(another value)" for name in _changed_names(before, after))]


def _changed_names(before: str, after: str) -> list[str]:
    old = dict(line.split("=", 1) for line in before.splitlines() if "=" in line)
    return [
        name
        for name, value in (line.split("=", 1) for line in after.splitlines() if "=" in line)
        if old.get(name) != value
    ]
