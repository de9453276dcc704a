"""Everything the tests need runs in this process: a SQLite file and a stand-in for Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakeredis import FakeAsyncRedis, FakeServer
from src.app import create_app
from src.database import DatabaseUnavailable, Row
from src.settings import Settings
from starlette.testclient import TestClient

ORDER = {"client_order_id": "c-1", "symbol": "BTC-USD", "side": "buy", "quantity": "0.5", "price": "64000.10"}
QUOTE = {"bid": "63999.5", "ask": 64000}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    url = f"sqlite:///{tmp_path}/data/trading.db"
    return Settings("development", url, "redis://unused", release="r1", version="1.4.2")


@pytest.fixture
def redis_server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def redis(redis_server: FakeServer) -> FakeAsyncRedis:
    return FakeAsyncRedis(server=redis_server, decode_responses=True)


@pytest.fixture
def client(settings: Settings, redis: FakeAsyncRedis) -> Iterator[TestClient]:
    with TestClient(create_app(settings, redis)) as client:
        yield client


@pytest.fixture
def break_database(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make every statement fail with the given reason."""

    def break_it(reason: str) -> None:
        async def fetch(query: str, *values: object) -> list[Row]:
            raise DatabaseUnavailable(reason)

        monkeypatch.setattr(client.app.state.services.database, "fetch", fetch)

    return break_it
