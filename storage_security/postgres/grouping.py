"""New alerts into cases: join the customer's open case, else open one. In the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, select, text

from fraud_prevention.domain.case import (
    Alert,
    Case,
    CaseEvent,
    CaseEventKind,
    CaseStatus,
    absorb,
    event_id_for,
    open_case,
)
from fraud_prevention.domain.errors import Unavailable
from storage_security.postgres.case_rows import insert_cases, record_events, save_cases, to_case
from storage_security.postgres.tables import cases

ACTOR: Final = "fraudstream"
# Two rounds are the rule (look, open, look again); more where officers close cases between our looks.
_MAX_ROUNDS: Final = 8
_ASSIGN: Final = text(
    "UPDATE fraud_alerts SET case_id = pair.case_id "
    "FROM unnest(CAST(:alert_ids AS text[]), CAST(:case_ids AS text[])) AS pair (alert_id, case_id) "
    "WHERE fraud_alerts.alert_id = pair.alert_id"
)


def group_alerts(connection: Connection, alerts: Sequence[Alert], now_ms: int) -> int:
    """Put alerts that were inserted in this transaction into cases; returns how many cases were touched.

    `alerts` in the order of the log. Raises Unavailable where a customer's case kept being closed by others.
    """
    by_customer: dict[str, list[Alert]] = {}
    for alert in alerts:
        by_customer.setdefault(alert.customer_id, []).append(alert)
    held = _hold_cases(connection, by_customer, now_ms)
    changed: list[Case] = []
    events: list[CaseEvent] = []
    pairs: list[tuple[str, str]] = []
    for customer_id, joining in by_customer.items():
        case = held[customer_id]
        changed.append(absorb(case, joining, now_ms))
        events += _events(case, joining, now_ms)
        pairs += [(alert.alert_id, case.case_id) for alert in joining]
    save_cases(connection, changed)
    if pairs:
        connection.execute(_ASSIGN, {"alert_ids": [a for a, _ in pairs], "case_ids": [c for _, c in pairs]})
    record_events(connection, events)
    return len(changed)


def _hold_cases(connection: Connection, by_customer: dict[str, list[Alert]], now_ms: int) -> dict[str, Case]:
    """Each customer's open case, locked; always in the order of customers, so that two sinks don't block each other."""
    held: dict[str, Case] = {}
    for _ in range(_MAX_ROUNDS):
        missing = sorted(by_customer.keys() - held.keys())
        if not missing:
            return held
        query = (
            select(cases)
            .where(cases.c.customer_id.in_(missing), cases.c.status == CaseStatus.OPEN.value)
            .order_by(cases.c.customer_id)
            .with_for_update()
        )
        for row in connection.execute(query):
            held[row.customer_id] = to_case(row)
        insert_cases(connection, [open_case(by_customer[c][0], now_ms) for c in missing if c not in held])
    raise Unavailable("postgresql", f"the open cases of {len(by_customer) - len(held)} customers kept changing")


def _events(case: Case, joining: Sequence[Alert], now_ms: int) -> list[CaseEvent]:
    events = []
    for position, alert in enumerate(joining):
        is_first = case.version == 0 and position == 0
        kind = CaseEventKind.OPENED if is_first else CaseEventKind.ALERT_ADDED
        data = {
            "alert_id": alert.alert_id,
            "transaction_id": alert.transaction_id,
            "outcome": alert.outcome,
            "risk_score": alert.risk_score,
            "amount_base_minor": alert.amount_base_minor,
        }
        event_id = event_id_for(case.case_id, kind, alert.alert_id)
        events.append(CaseEvent(event_id, case.case_id, alert.customer_id, kind, ACTOR, now_ms, data))
    return events
