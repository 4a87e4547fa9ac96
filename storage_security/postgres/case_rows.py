"""Cases and alerts between their tables and the domain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, text
from sqlalchemy.dialects.postgresql import insert

from fraud_prevention.domain import topics
from fraud_prevention.domain.case import Alert, Case, CaseEvent, CaseStatus, CaseVerdict, queue_rank
from storage_security.postgres.engine import to_moment, to_ms
from storage_security.postgres.outbox import Message, enqueue
from storage_security.postgres.tables import cases

_CASE_FIELDS: Final = tuple(f.name for f in fields(Case))
_MOMENTS: Final = frozenset({"opened_at", "due_at", "locked_until", "closed_at"})
_RECORD: Final = text(
    "INSERT INTO case_events (event_id, case_id, customer_id, kind, actor, at, data) SELECT * FROM unnest("
    "CAST(:ids AS text[]), CAST(:cases AS text[]), CAST(:customers AS text[]), CAST(:kinds AS text[]), "
    "CAST(:actors AS text[]), CAST(:moments AS timestamptz[]), CAST(:data AS jsonb[])) "
    "ON CONFLICT (event_id) DO NOTHING"
)
# Identity, customer and opening time are written once.
_FIXED: Final = frozenset({"case_id", "customer_id", "opened_at"})


def to_case(row: Row[Any]) -> Case:
    values: dict[str, Any] = {name: getattr(row, name) for name in _CASE_FIELDS}
    for name in _MOMENTS:
        values[name] = None if values[name] is None else to_ms(values[name])
    values["status"] = CaseStatus(values["status"])
    values["verdict"] = None if values["verdict"] is None else CaseVerdict(values["verdict"])
    return Case(**values)


def from_case(case: Case) -> dict[str, Any]:
    """The row; the rank follows from the case."""
    values: dict[str, Any] = {name: getattr(case, name) for name in _CASE_FIELDS}
    for name in _MOMENTS:
        values[name] = None if values[name] is None else to_moment(values[name])
    values["status"] = case.status.value
    values["verdict"] = None if case.verdict is None else case.verdict.value
    values["top_reason_figures"] = dict(case.top_reason_figures)
    values["queue_rank"] = queue_rank(case)
    return values


def insert_cases(connection: Connection, opened: Iterable[Case]) -> None:
    """New open cases; a customer who has one already keeps it, after a wait for whoever is writing it."""
    rows = [from_case(case) for case in opened]
    if rows:
        connection.execute(insert(cases).on_conflict_do_nothing(), rows)


def save_cases(connection: Connection, changed: Sequence[Case]) -> None:
    """Overwrite cases that the caller has locked."""
    if not changed:
        return
    statement = insert(cases)
    new = {name: statement.excluded[name] for name in (*_CASE_FIELDS, "queue_rank") if name not in _FIXED}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["case_id"], set_=new), [from_case(case) for case in changed]
    )


def record_events(connection: Connection, events: Sequence[CaseEvent]) -> None:
    """Append to the history and queue for the topic. A repeated event id changes nothing."""
    if not events:
        return
    columns = {
        "ids": [e.event_id for e in events],
        "cases": [e.case_id for e in events],
        "customers": [e.customer_id for e in events],
        "kinds": [e.kind.value for e in events],
        "actors": [e.actor for e in events],
        "moments": [to_moment(e.at) for e in events],
        "data": [orjson.dumps(dict(e.data)).decode() for e in events],
    }
    connection.execute(_RECORD, columns)
    enqueue(connection, [Message(e.event_id, topics.CASE_EVENTS, e.customer_id, e.to_wire()) for e in events])


def to_alert(payload: Mapping[str, Any]) -> Alert:
    """The domain object of an `alerts.v1` payload that was checked when it came in."""
    values = {f.name: payload[f.name] for f in fields(Alert)}
    values["reason_codes"] = tuple(values["reason_codes"])
    values["rule_hits"] = tuple(values["rule_hits"])
    return Alert(**values)
