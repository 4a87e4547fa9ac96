"""Messages that must leave exactly when a transaction does: written with it, sent after it by the relay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine, delete, func, select, text, update

from storage_security.postgres.engine import availability
from storage_security.postgres.tables import outbox

# Any number; the relays of one database take turns on it, so that messages of one key keep their order.
_RELAY_LOCK: Final = 7_261_945
# Columns as arrays: one statement and one round trip for a batch of any size.
_ENQUEUE: Final = text(
    "INSERT INTO outbox (message_id, topic, key, payload) SELECT * FROM unnest("
    "CAST(:ids AS text[]), CAST(:topics AS text[]), CAST(:keys AS text[]), CAST(:payloads AS text[])) "
    "ON CONFLICT (message_id) DO NOTHING"
)
_KEEP_SENT: Final = text("interval '7 days'")
_PRUNE_ROWS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Message:
    """A record to be published. A repeated `message_id` is the same message and is kept once."""

    message_id: str
    topic: str
    key: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WaitingMessage:
    outbox_id: int
    topic: str
    key: bytes
    value: bytes


def enqueue(connection: Connection, messages: Sequence[Message]) -> None:
    """In the caller's transaction."""
    if not messages:
        return
    columns = {
        "ids": [m.message_id for m in messages],
        "topics": [m.topic for m in messages],
        "keys": [m.key for m in messages],
        "payloads": [orjson.dumps(m.payload).decode() for m in messages],
    }
    connection.execute(_ENQUEUE, columns)


def take_turn(connection: Connection) -> bool:
    """Become the only relay until the transaction ends; False where another one is at work."""
    return bool(connection.execute(select(func.pg_try_advisory_xact_lock(_RELAY_LOCK))).scalar_one())


def waiting(connection: Connection, limit: int) -> list[WaitingMessage]:
    """The oldest messages that were not sent."""
    query = (
        select(outbox.c.outbox_id, outbox.c.topic, outbox.c.key, outbox.c.payload)
        .where(outbox.c.sent_at.is_(None))
        .order_by(outbox.c.outbox_id)
        .limit(limit)
    )
    return [WaitingMessage(r.outbox_id, r.topic, r.key.encode(), r.payload.encode()) for r in connection.execute(query)]


def mark_sent(connection: Connection, outbox_ids: Sequence[int]) -> None:
    """After the log has acknowledged them."""
    if outbox_ids:
        connection.execute(update(outbox).where(outbox.c.outbox_id.in_(outbox_ids)).values(sent_at=func.now()))


def prune(engine: Engine) -> int:
    """Forget messages that were sent a week ago, a bounded number a call; returns how many. Raises Unavailable."""
    old = (
        select(outbox.c.outbox_id)
        .where(outbox.c.sent_at < func.now() - _KEEP_SENT)
        .order_by(outbox.c.outbox_id)
        .limit(_PRUNE_ROWS)
    )
    with availability(), engine.begin() as connection:
        return connection.execute(delete(outbox).where(outbox.c.outbox_id.in_(old))).rowcount
