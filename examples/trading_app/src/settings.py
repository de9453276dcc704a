"""Settings: read from the environment once, refused with all their mistakes on one line, then frozen."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SQLITE = "sqlite:///"
POSTGRES_FORM = "should look like postgresql://user:password@host:5432/database (password url-quoted)"
REDIS_FORM = "should look like redis://:password@host:6379 (password url-quoted)"


class BadSettings(Exception):
    """One or more variables are missing or wrong; the text names each, never its value if that is secret."""


@dataclass(frozen=True)
class Settings:
    """What the processes need to know; `release` is set by the deploy tool, addresses stay out of `repr`."""

    environment: str
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    port: int = 8000
    stop_grace_seconds: int = 25
    log_level: str | None = None
    log_config: Path | None = None
    version: str = "unknown"
    release: str = "unknown"

    @property
    def sqlite_path(self) -> Path | None:
        """The file of a development database, None with PostgreSQL."""
        return Path(self.database_url.removeprefix(SQLITE)) if self.database_url.startswith(SQLITE) else None


def read_settings(variables: Mapping[str, str]) -> Settings:
    """Settings from environment variables. Raise BadSettings listing every problem."""
    reader = _Reader(variables)
    environment = reader.read("ENVIRONMENT", _environment)
    reader.stop_if_refused()  # what the others may be depends on it
    in_development = environment == "development"
    settings = Settings(
        environment=environment,
        database_url=reader.read(
            "DATABASE_URL",
            _development_database_url if in_development else _postgres_url,
            "sqlite:///./data/trading_system.db" if in_development else None,
        ),
        redis_url=reader.read("REDIS_URL", _redis_url, "redis://localhost:6379" if in_development else None),
        port=int(reader.read("PORT", _integer(1, 65535), "8000")),
        stop_grace_seconds=int(reader.read("STOP_GRACE", _integer(0, 3600), "25")),
        log_level=reader.read("LOG_LEVEL", _level, "") or None,
        log_config=Path(path) if (path := variables.get("LOG_CONFIG")) else None,
        version=variables.get("APP_VERSION") or "unknown",
        release=variables.get("RELEASE_ID") or "unknown",
    )
    reader.stop_if_refused()
    return settings


class _Reader:
    """Reads variables through parsers, collecting problems instead of stopping at the first."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._problems: list[str] = []

    def read(self, name: str, parse: Callable[[str], str], default: str | None = None) -> str:
        value = self._variables.get(name) or default
        try:
            if value is None:
                raise ValueError("missing")
            return parse(value) if value else ""
        except ValueError as error:
            self._problems.append(f"{name}: {error}")
            return "0"  # a stand-in that every caller can carry on with

    def stop_if_refused(self) -> None:
        if self._problems:
            raise BadSettings("; ".join(self._problems))


def _environment(value: str) -> str:
    if value not in ("development", "production"):
        raise ValueError(f'should be development or production, got "{value}"')
    return value


def _level(value: str) -> str:
    if value.upper() not in LEVELS:
        raise ValueError(f'should be one of {", ".join(LEVELS)}, got "{value}"')
    return value.upper()


def _integer(lowest: int, highest: int) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if not value.isascii() or not value.isdigit() or not lowest <= int(value) <= highest:
            raise ValueError(f'should be an integer from {lowest} to {highest}, got "{value}"')
        return value

    return parse


def _development_database_url(value: str) -> str:
    if value.startswith(SQLITE) and len(value) > len(SQLITE):
        return value
    return _postgres_url(value)


def _postgres_url(value: str) -> str:
    return _address(value, ("postgresql", "postgres"), POSTGRES_FORM, needs_path=True)


def _redis_url(value: str) -> str:
    return _address(value, ("redis", "rediss"), REDIS_FORM, needs_path=False)


def _address(value: str, schemes: tuple[str, ...], form: str, *, needs_path: bool) -> str:
    """`value` if it is such an address; the message never repeats it, since it holds a password."""
    try:
        parts = urlsplit(value)
        is_whole = bool(parts.hostname) and parts.port != 0 and not parts.fragment
    except ValueError:
        raise ValueError(form) from None
    is_quoted = not re.search(r"%(?![0-9A-Fa-f]{2})|\s", value) and parts.netloc.count("@") == value.count("@") <= 1
    if parts.scheme not in schemes or not is_whole or not is_quoted or (needs_path and not parts.path.strip("/")):
        raise ValueError(form)
    return value
