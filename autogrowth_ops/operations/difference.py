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
    found: list[str] = []
    hidden = Renderer(session.environment, session.root).secret_names()
    for name, files in change.files.items():
        there = _read(session, name, change.old(name), [*files, *change.stack.get(name, ())])
        for file in files:
            if file.path in SHOWN:
                found += _diff(
                    f"{name}:releases/{file.path}",
                    there.get(f"release/{file.path}", ""),
                    file,
                    change.release.id,
                    change.old(name),
                    hidden,
                )
        for file in change.stack.get(name, ()):
            found += _diff(
                f"{name}:stack/{file.path}",
                there.get(f"stack/{file.path}", ""),
                file,
                change.release.id,
                change.old(name),
                hidden,
            )
    return tuple(found)


def _read(session: Session, host: str, old: str | None, files: list[RenderedFile]) -> Mapping[str, str]:
    base = session.environment.folder
    names = dict.fromkeys(file.path for file in files)
    calls = [words.in_section(f"stack/{name}", words.show(f"{base}/stack/{name}")) for name in names]
    if old:
        calls += [words.in_section(f"release/{name}", words.show(f"{base}/releases/{old}/{name}")) for name in names]
    result = run_script(session.remotes[host], calls, session.engine.variables(), timeout_seconds=30)
    return {name: text for name, (_, text) in result.sections().items()}


def _diff(
    title: str, there: str, file: RenderedFile, release: str, old: str | None, hidden: Collection[str]
) -> Iterator[str]:
    secret = hidden if file.mode == SECRET_MODE else ()
    before = mask(there.replace(old, "<release>") if old else there, secret)
    after = mask(file.text.replace(release, "<release>"), secret)
    changed_secrets = file.mode == SECRET_MODE and there.strip() != file.text.strip()
    lines = list(unified_diff(before.splitlines(), after.splitlines(), title, title, n=1, lineterm=""))
    if changed_secrets and not lines:
        lines = [
            f"--- {title}",
            f"+++ {title}",
            *(f"+{name}=(another value)" for name in _changed_names(there, file.text)),
        ]
    yield from lines


def _changed_names(before: str, after: str) -> list[str]:
    old = dict(line.split("=", 1) for line in before.splitlines() if "=" in line)
    return [
        name
        for name, value in (line.split("=", 1) for line in after.splitlines() if "=" in line)
        if old.get(name) != value
    ]
