"""One record to be sent, before it is bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pyarrow as pa

from fraud_prevention.domain.topics import AUTHORISATIONS, CUSTOMER_EVENTS, LABELS, TRANSACTIONS

TIME_FIELD: Final = {
    TRANSACTIONS: "event_time",
    AUTHORISATIONS: "observed_at",
    CUSTOMER_EVENTS: "event_time",
    LABELS: "observed_at",
}
"""The field of each topic that says when its record came to be."""


class Message(NamedTuple):
    """`at_ms` is the moment in the source's own time; `is_fraud` is known to the source alone and never sent."""

    at_ms: int
    topic: str
    payload: dict[str, Any]
    is_fraud: bool = False


def wire_rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Each row as a payload; absent options are left out."""
    names = table.column_names
    for values in zip(*(table.column(name).to_pylist() for name in names), strict=True):
        yield {name: value for name, value in zip(names, values, strict=True) if value is not None}


def messages_of(topic: str, table: pa.Table) -> Iterator[Message]:
    """Each row of the topic's columns as a message, in the order given."""
    field = TIME_FIELD[topic]
    for payload in wire_rows(table):
        yield Message(payload[field], topic, payload)
