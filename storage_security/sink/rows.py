"""Records of the log into rows of the tables. Pure: no connection, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final

import orjson

from fraud_prevention.domain import topics
from fraud_prevention.domain.case import Alert
from fraud_prevention.domain.errors import FieldError
from fraud_prevention.domain.topics import INLINE_PAYLOAD_BYTES
from fraud_prevention.ports import Record
from storage_security.postgres.case_rows import to_alert
from storage_security.sink.shapes import find_errors, holds_nul

Row = tuple[Any, ...]

DECISION_COLUMNS: Final = (
    "transaction_id", "decision_version", "event_time", "customer_id", "card_token", "merchant_id", "mcc",
    "merchant_country", "channel", "amount_minor", "currency", "amount_base_minor", "outcome", "risk_score",
    "probability", "reason_codes", "rule_hits", "experiment", "arm", "model_version", "policy_version",
    "catalogue_version", "decided_by", "record_versions", "degraded", "decided_at", "latency_ms",
)  # fmt: skip
_OPTIONAL: Final = ("experiment", "arm")
_own_fields: Final = itemgetter(*DECISION_COLUMNS[:-2])  # the last two are in `meta`
ALERT_COLUMNS: Final = (
    "alert_id", "transaction_id", "decision_version", "customer_id", "event_time", "outcome", "risk_score",
    "probability", "amount_base_minor", "payload",
)  # fmt: skip
AUTHORISATION_COLUMNS: Final = ("transaction_id", "observed_at", "customer_id", "result", "reason")
CUSTOMER_EVENT_COLUMNS: Final = ("event_id", "customer_id", "kind", "event_time", "detail")
LABEL_COLUMNS: Final = (
    "label_id", "transaction_id", "customer_id", "merchant_id", "terminal_id", "event_time", "is_fraud", "source",
    "observed_at", "confidence",
)  # fmt: skip
DEAD_LETTER_COLUMNS: Final = ("topic", "partition", "log_offset", "reason", "errors", "at")


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that cannot become a row, and why."""

    record: Record
    errors: list[FieldError]


@dataclass(slots=True)
class Batch:
    """Rows by table, in the order of the log; `alerts` holds each alert beside its text."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    alerts: list[tuple[Alert, bytes]] = field(default_factory=list)
    bad: list[BadRecord] = field(default_factory=list)

    def add(self, table: str, row: Row) -> None:
        self.rows.setdefault(table, []).append(row)


def _decision(payload: dict[str, Any], _value: bytes) -> Row:
    meta = payload["meta"]
    for name in _OPTIONAL:
        payload.setdefault(name, None)
    return (*_own_fields(payload), meta["decided_at"], meta.get("latency_ms"))


def _alert(payload: dict[str, Any], value: bytes) -> Row:
    own = tuple(payload[name] for name in ALERT_COLUMNS[:-2])
    return (*own, payload["transaction"]["amount_base_minor"], value)


def _plain(columns: Sequence[str]) -> Callable[[dict[str, Any], bytes], Row]:
    return lambda payload, _value: tuple(payload.get(name) for name in columns)


def dead_letter_row(letter: Mapping[str, Any]) -> Row:
    """Counted by the record that it is about, so that a letter that was sent twice counts once."""
    errors = orjson.dumps(letter["errors"])
    return (letter["topic"], letter["partition"], letter["offset"], letter["reason"], errors, letter["at"])


def _dead_letter(payload: dict[str, Any], _value: bytes) -> Row:
    return dead_letter_row(payload)


_TABLES: Final[Mapping[str, tuple[str, Callable[[dict[str, Any], bytes], Row]]]] = {
    topics.DECISIONS: ("decisions", _decision),
    topics.ALERTS: ("fraud_alerts", _alert),
    topics.AUTHORISATIONS: ("authorisations", _plain(AUTHORISATION_COLUMNS)),
    topics.CUSTOMER_EVENTS: ("customer_events", _plain(CUSTOMER_EVENT_COLUMNS)),
    topics.LABELS: ("labels", _plain(LABEL_COLUMNS)),
    **dict.fromkeys(topics.DEAD_LETTERS, ("dead_letters", _dead_letter)),
}
TOPICS: Final = tuple(_TABLES)


def to_batch(records: Sequence[Record]) -> Batch:
    """Sort records into rows; those that break their contract are set aside with the reason."""
    batch = Batch()
    for record in records:
        errors, payload = _decode(record)
        if errors:
            batch.bad.append(BadRecord(record, errors))
            continue
        assert record.value is not None
        table, make_row = _TABLES[record.topic]
        batch.add(table, make_row(payload, record.value))
        if record.topic == topics.ALERTS:
            batch.alerts.append((to_alert(payload), record.value))
    return batch


def _decode(record: Record) -> tuple[list[FieldError], dict[str, Any]]:
    value = record.value
    if value is None:
        return [FieldError("$", "missing", "the record is empty")], {}
    # A dead letter quotes what was refused, so it may itself be as long as the longest record.
    if len(value) > INLINE_PAYLOAD_BYTES and record.topic not in topics.DEAD_LETTERS:
        return [FieldError("$", "too_large", "is longer than 1 MB")], {}
    try:
        payload = orjson.loads(value)
    except orjson.JSONDecodeError:
        return [FieldError("$", "not_json", "is not JSON text in UTF-8")], {}
    if b"\\u0000" in value and holds_nul(payload):
        return [FieldError("$", "bad_format", "holds a NUL character")], {}
    return find_errors(record.topic, payload), payload
