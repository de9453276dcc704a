"""The database: one small door, PostgreSQL behind it in production and a SQLite file in development."""

from __future__ import annotations

import asyncio
import select
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from src.settings import Settings

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg.rows import DictRow

Row = dict[str, Any]
CONNECTIONS = 10
CONNECT_TIMEOUT_SECONDS = 2


class DatabaseUnavailable(Exception):
    """The database could not be reached or did not answer; the text says why."""


class Database(Protocol):
    """Runs one statement in its own transaction; `%s` marks a value."""

    async def fetch(self, query: str, *values: object) -> list[Row]:
        """The resulting rows. Raise DatabaseUnavailable."""

    async def close(self) -> None:
        """Close all connections."""


def open_database(settings: Settings) -> Database:
    """The database of these settings, not yet connected: the application starts without it."""
    if settings.sqlite_path:
        return SqliteDatabase(settings.sqlite_path)
    return PostgresDatabase(settings.database_url)


class PostgresDatabase:
    """A pool of at most CONNECTIONS. A connection with any failure is dropped, so recovery needs no timer."""

    def __init__(self, url: str) -> None:
        import psycopg

        self._psycopg = psycopg
        self._url = url
        self._slots = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[AsyncConnection[DictRow]] = []

    async def fetch(self, query: str, *values: object) -> list[Row]:
        """The resulting rows, with UTC instants. Raise DatabaseUnavailable."""
        try:
            async with self._connection() as connection:
                cursor = await connection.execute(query.encode(), values)
                return await cursor.fetchall()
        except (self._psycopg.Error, OSError, asyncio.TimeoutError) as error:
            raise DatabaseUnavailable(first_line(error)) from error

    async def close(self) -> None:
        """Close the idle connections; call it when no request is left."""
        while self._idle:
            await self._idle.pop().close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        async with self._slots:
            connection = await self._idle_connection() or await self._connect()
            try:
                yield connection
            except BaseException:
                await connection.close()
                raise
            self._idle.append(connection)

    async def _idle_connection(self) -> AsyncConnection[DictRow] | None:
        """An idle connection whose server still holds the other end: a silent socket has nothing to read."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and not _has_something_to_read(connection.fileno()):
                return connection
            await connection.close()
        return None

    async def _connect(self) -> AsyncConnection[DictRow]:
        connecting = self._psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            row_factory=self._psycopg.rows.dict_row,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            options="-c timezone=UTC -c statement_timeout=10s",
            application_name="trading-app",
        )
        return await asyncio.wait_for(connecting, CONNECT_TIMEOUT_SECONDS)


class SqliteDatabase:
    """One file and one connection, used in a thread and by one statement at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._one_at_a_time = asyncio.Lock()
        self._connection: sqlite3.Connection | None = None

    async def fetch(self, query: str, *values: object) -> list[Row]:
        """The resulting rows. Raise DatabaseUnavailable."""
        async with self._one_at_a_time:
            try:
                return await asyncio.to_thread(self._fetch, query.replace("%s", "?"), values)
            except (sqlite3.Error, OSError) as error:
                raise DatabaseUnavailable(first_line(error)) from error

    async def close(self) -> None:
        """Close the file."""
        if self._connection:
            self._connection.close()

    def _fetch(self, query: str, values: tuple[object, ...]) -> list[Row]:
        if self._connection is None:
            self._connection = open_sqlite(self._path)
        cursor = self._connection.execute(query, tuple(map(_sqlite_value, values)))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def open_sqlite(path: Path) -> sqlite3.Connection:
    """An autocommitting connection to the file; its folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)


def first_line(error: BaseException) -> str:
    """What went wrong in one line, for people; timeouts have no text of their own."""
    if isinstance(error, asyncio.TimeoutError):
        return "no answer in time"
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _has_something_to_read(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _sqlite_value(value: object) -> object:
    return value if isinstance(value, (int, float, str, bytes, type(None))) else str(value)
