"""Migrations: the numbered SQL files beside this module, each applied once, all pending ones or none.

The way back of `migrations/NAME.sql` is `migrations/down/NAME.sql`; the newer code has both."""

from __future__ import annotations

import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from src.database import first_line, open_sqlite
from src.settings import Settings

FOLDER = Path(__file__).with_name("migrations")
LOCK_ID = 4_207_311_954
LEDGER = "schema_migrations"
CREATE_LEDGER = f"""
    create table if not exists {LEDGER} (name text primary key, applied_at timestamp with time zone not null)"""
RECORD = f"insert into {LEDGER} (name, applied_at) values ('%s', current_timestamp)"
FORGET = f"delete from {LEDGER} where name = '%s'"

Execute = Callable[[str], Sequence[tuple[Any, ...]]]


class MigrationFailed(Exception):
    """Nothing was changed; the text names the migration and the reason."""


def command(settings: Settings, *, only: str = "", down_to: str | None = None) -> int:
    """`main.py migrate`: one line a migration, 1 and a message if it failed. `only` is list, newest or empty."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("migrate: interrupted; nothing was changed"))
    try:
        lines = _do(settings, only, down_to)
    except MigrationFailed as error:
        print(f"migrate: {error}; nothing was changed", file=sys.stderr)
        return 1
    print("\n".join(lines) or f"nothing to {'apply' if down_to is None else 'take back'}")
    return 0


def _do(settings: Settings, only: str, down_to: str | None) -> list[str]:
    if only:
        return listing(settings) if only == "list" else [newest()]
    if down_to is not None:
        return [f"took back {name}" for name in take_back(settings, down_to)]
    return [f"applied {name}" for name in apply(settings)]


def newest(folder: Path = FOLDER) -> str:
    """The newest migration that this release has: what `--down-to` of a newer release is given."""
    return _files(folder)[-1].stem


def apply(settings: Settings, folder: Path = FOLDER) -> list[str]:
    """Names of the migrations applied now, in order. A second caller waits for the first. Raise MigrationFailed."""
    step = "connecting"
    try:
        with _transaction(settings, lock=True) as execute:
            execute(CREATE_LEDGER)
            pending = [file for file in _files(folder) if file.stem not in _applied(execute)]
            for file in pending:
                step = file.stem
                _run(execute, file, RECORD)
            step = "commit"
        return [file.stem for file in pending]
    except _errors(settings) as error:
        raise MigrationFailed(f"{step}: {first_line(error)}") from error


def take_back(settings: Settings, to: str, folder: Path = FOLDER) -> list[str]:
    """Names of the migrations taken back now, newest first; `to` is the newest that stays. Raise MigrationFailed."""
    step = "connecting"
    try:
        with _transaction(settings, lock=True) as execute:
            applied = _applied(execute) if _has_ledger(execute, settings) else set()
            if to not in applied:
                raise MigrationFailed(f'"{to}": was never applied')
            newer = sorted((name for name in applied if name > to), reverse=True)
            for name in newer:
                step = name
                _run(execute, _way_back(folder, name), FORGET)
            step = "commit"
        return newer
    except _errors(settings) as error:
        raise MigrationFailed(f"{step}: {first_line(error)}") from error


def _way_back(folder: Path, name: str) -> Path:
    file = folder / "down" / f"{name}.sql"
    if not file.exists():
        raise MigrationFailed(f"{name}: this release has no migrations/down/{name}.sql")
    return file


def listing(settings: Settings, folder: Path = FOLDER) -> list[str]:
    """`applied NAME` and `pending NAME` in order; changes nothing. Raise MigrationFailed."""
    try:
        with _transaction(settings, lock=False) as execute:
            applied = _applied(execute) if _has_ledger(execute, settings) else set()
    except _errors(settings) as error:
        raise MigrationFailed(f"list: {first_line(error)}") from error
    known = {file.stem for file in _files(folder)}
    states = {
        **dict.fromkeys(known, "pending {}"),
        **dict.fromkeys(applied, "applied {}"),
        **dict.fromkeys(applied - known, "applied {} (of another release)"),
    }
    return [states[name].format(name) for name in sorted(states)]


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9]*.sql"))


def _applied(execute: Execute) -> set[str]:
    return {name for (name,) in execute(f"select name from {LEDGER}")}


def _has_ledger(execute: Execute, settings: Settings) -> bool:
    catalogue = "sqlite_master where name" if settings.sqlite_path else "pg_tables where tablename"
    return bool(execute(f"select 1 from {catalogue} = '{LEDGER}'"))


def _run(execute: Execute, file: Path, note: str) -> None:
    """Each statement of the file, then the note in the ledger. A `;` ends a line only where a statement ends."""
    statements = file.read_text(encoding="utf-8").split(";\n")
    for statement in filter(None, map(str.strip, statements)):
        execute(statement)
    execute(note % file.stem)


def _errors(settings: Settings) -> tuple[type[Exception], ...]:
    if settings.sqlite_path:
        return (sqlite3.Error, OSError)
    import psycopg

    return (psycopg.Error, OSError)


@contextmanager
def _transaction(settings: Settings, *, lock: bool) -> Iterator[Execute]:
    path, url = settings.sqlite_path, settings.database_url
    with _sqlite(path, lock) if path else _postgres(url, lock) as execute:
        yield execute


@contextmanager
def _sqlite(path: Path, lock: bool) -> Iterator[Execute]:
    with closing(open_sqlite(path)) as connection:
        connection.execute("begin immediate" if lock else "begin")
        with connection:
            yield lambda statement: connection.execute(statement).fetchall()


@contextmanager
def _postgres(url: str, lock: bool) -> Iterator[Execute]:
    """A short lock_timeout: a change that waits for a busy table makes every query behind it wait too."""
    import psycopg

    def execute(statement: str) -> Sequence[tuple[Any, ...]]:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    with psycopg.connect(url, connect_timeout=10, application_name="trading-app migrate") as connection:
        if lock:
            execute(f"select pg_advisory_xact_lock({LOCK_ID})")
            execute("set local lock_timeout = '10s'")
        yield execute
