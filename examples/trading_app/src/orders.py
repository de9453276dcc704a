"""Orders: accepted once for each client_order_id, however often they are sent."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any

from src import fields
from src.database import Database, Row

FIELDS = {
    "client_order_id": fields.text(r"[!-~]{1,64}", "1 to 64 visible ASCII characters"),
    "symbol": fields.symbol,
    "side": fields.text("buy|sell", "buy or sell"),
    "quantity": fields.amount,
    "price": fields.amount,
}
INSERT = """
    insert into orders (id, client_order_id, symbol, side, quantity, price, created_at)
    values (%s, %s, %s, %s, %s, %s, %s)
    on conflict (client_order_id) do nothing returning *"""


async def place(database: Database, order: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The stored order and whether it is new; the unique constraint decides, also between replicas."""
    values = (order[name] for name in FIELDS)
    rows = await database.fetch(INSERT, str(uuid.uuid4()), *values, datetime.now(timezone.utc))
    if rows:
        return _public(rows[0]), True
    rows = await database.fetch("select * from orders where client_order_id = %s", order["client_order_id"])
    return _public(rows[0]), False


async def find(database: Database, order_id: uuid.UUID) -> dict[str, Any] | None:
    """The order with this id."""
    rows = await database.fetch("select * from orders where id = %s", str(order_id))
    return _public(rows[0]) if rows else None


async def newest(database: Database, limit: int) -> list[dict[str, Any]]:
    """At most `limit` orders, newest first."""
    rows = await database.fetch("select * from orders order by created_at desc, id limit %s", limit)
    return [_public(row) for row in rows]


def _public(row: Row) -> dict[str, Any]:
    """The row as JSON: amounts as decimal text, the instant in ISO 8601."""
    amounts = {name: fields.plain(row[name]) for name in ("quantity", "price")}
    instant = datetime.fromisoformat(str(row["created_at"]))
    return {**row, **amounts, "created_at": instant.isoformat()}
