"""One batch of the log, one transaction of PostgreSQL: rows, summary, cases, dead letters and positions together.

Because the positions are in the same transaction, a batch that is read again after a crash, or by a second sink,
changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import psycopg2.extensions
from sqlalchemy import Connection, Engine

from fraud_prevention.domain import topics
from fraud_prevention.domain.case import Alert
from fraud_prevention.domain.dead_letter import dead_letter
from fraud_prevention.ports import Record, TopicPartition
from storage_security.postgres.copying import Staging
from storage_security.postgres.engine import availability
from storage_security.postgres.grouping import group_alerts
from storage_security.postgres.outbox import Message, enqueue
from storage_security.postgres.positions import Positions
from storage_security.postgres.tables import metadata
from storage_security.sink import rows
from storage_security.sink.rows import BadRecord, Batch, to_batch

_STAGED: Final = {
    name: Staging(metadata.tables[name], columns)
    for name, columns in {
        "decisions": rows.DECISION_COLUMNS,
        "fraud_alerts": rows.ALERT_COLUMNS,
        "authorisations": rows.AUTHORISATION_COLUMNS,
        "customer_events": rows.CUSTOMER_EVENT_COLUMNS,
        "labels": rows.LABEL_COLUMNS,
        "dead_letters": rows.DEAD_LETTER_COLUMNS,
    }.items()
}
# Only rows that this transaction inserted are counted, which makes the summary exact under repeats.
_INSERT_AND_SUM: Final = f"""
WITH added AS ({_STAGED["decisions"].insert_new} RETURNING decided_at, outcome, amount_base_minor),
counted AS (
    SELECT date_trunc('hour', decided_at, 'UTC') AS hour, outcome, count(*) AS n, sum(amount_base_minor)::bigint AS total
    FROM added GROUP BY 1, 2 ORDER BY 1, 2
),
summed AS (
    INSERT INTO fraud_summary AS held (hour, outcome, decisions, amount_base_minor)
    SELECT hour, outcome, n, total FROM counted
    ON CONFLICT (hour, outcome) DO UPDATE SET
        decisions = held.decisions + excluded.decisions,
        amount_base_minor = held.amount_base_minor + excluded.amount_base_minor
    RETURNING 1
)
SELECT coalesce(sum(n), 0)::bigint FROM counted
"""  # noqa: S608 - table and column names of this repository


class AlertCache(Protocol):
    """Alerts by transaction, for those who cannot wait for a database."""

    def put(self, alerts: Sequence[tuple[Alert, bytes]]) -> None:
        """Keep each alert's payload for the cache's time to live. Idempotent. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Written:
    """What one batch changed; repeats count as nothing."""

    decisions: int
    alerts: int
    cases: int
    bad: int
    skipped: int


class SinkWriter:
    """Belongs to one thread. `clock_ms` is the wall clock."""

    def __init__(self, engine: Engine, positions: Positions, cache: AlertCache, clock_ms: Callable[[], int]) -> None:
        self._engine = engine
        self._positions = positions
        self._cache = cache
        self._clock_ms = clock_ms

    def positions(self) -> dict[TopicPartition, int]:
        """Where to go on reading. Raises Unavailable."""
        with availability(), self._engine.connect() as connection:
            return self._positions.load(connection)

    def write(self, records: Sequence[Record]) -> Written:
        """All of the batch or nothing. Raises Unavailable; the same batch may then be written again."""
        if not records:
            return Written(0, 0, 0, 0, 0)
        ends: dict[TopicPartition, int] = {}
        for record in records:
            ends[TopicPartition(record.topic, record.partition)] = record.offset + 1
        with availability(), self._engine.begin() as connection:
            held = self._positions.hold(connection, ends)
            fresh = [r for r in records if r.offset >= held[TopicPartition(r.topic, r.partition)]]
            if not fresh:
                return Written(0, 0, 0, 0, len(records))
            batch = to_batch(fresh)
            decisions, new_alerts, cases = self._fill(connection, batch)
            self._positions.save(connection, {tp: max(end, held[tp]) for tp, end in ends.items()})
            # Before the commit: a crash in between repeats the batch, which puts the same entries again.
            self._cache.put(batch.alerts)
        return Written(decisions, new_alerts, cases, len(batch.bad), len(records) - len(fresh))

    def _fill(self, connection: Connection, batch: Batch) -> tuple[int, int, int]:
        now_ms = self._clock_ms()
        decisions, new_alert_ids = 0, set[str]()
        self._refuse(connection, batch, now_ms)
        with _cursor(connection) as cursor:
            for table, table_rows in batch.rows.items():
                staging = _STAGED[table]
                staging.create(cursor)
                staging.fill(cursor, table_rows)
                if table == "decisions":
                    cursor.execute(_INSERT_AND_SUM)
                    decisions = int(_only(cursor))
                elif table == "fraud_alerts":
                    cursor.execute(f"{staging.insert_new} RETURNING alert_id")
                    new_alert_ids = {row[0] for row in cursor.fetchall()}
                else:
                    cursor.execute(staging.insert_new)
        new_alerts = _distinct(batch, new_alert_ids)
        return decisions, len(new_alerts), group_alerts(connection, new_alerts, now_ms)

    @staticmethod
    def _refuse(connection: Connection, batch: Batch, now_ms: int) -> None:
        """Bad records are counted here, and go to their topic's dead letters where it has any."""
        messages = []
        for bad in batch.bad:
            letter = _letter(bad, now_ms)
            batch.add("dead_letters", rows.dead_letter_row(letter))
            if bad.record.topic in topics.INPUTS:
                topic = topics.dead_letter_topic(bad.record.topic)
                message_id = f"{topic}|{bad.record.partition}|{bad.record.offset}"
                messages.append(Message(message_id, topic, letter.get("key", ""), letter))
        enqueue(connection, messages)


def _letter(bad: BadRecord, now_ms: int) -> dict[str, Any]:
    record = bad.record
    return dead_letter(
        bad.errors,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        payload=record.value,
        at_ms=now_ms,
    )


def _cursor(connection: Connection) -> psycopg2.extensions.cursor:
    """COPY needs the driver's own cursor; it works inside the connection's transaction."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg2.extensions.connection)
    return driver.cursor()


def _only(cursor: psycopg2.extensions.cursor) -> int:
    row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def _distinct(batch: Batch, alert_ids: set[str]) -> list[Alert]:
    """The alerts that were inserted, in the order of the log; a repeat within the batch is left out."""
    found: dict[str, Alert] = {}
    for alert, _ in batch.alerts:
        if alert.alert_id in alert_ids:
            found.setdefault(alert.alert_id, alert)
    return list(found.values())
