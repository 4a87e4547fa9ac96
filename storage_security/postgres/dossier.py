"""What is known around a customer: the timeline and the profile. Read-only, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, exists, func, select

from fraud_prevention.usecases.cases import Customer, Happening
from storage_security.postgres.engine import to_ms
from storage_security.postgres.tables import (
    authorisations,
    case_events,
    cases,
    customer_events,
    decisions,
    fraud_alerts,
    labels,
)

# Of each kind, the newest; an officer reads a screen, not a history.
_ENTRIES_OF_A_KIND: Final = 60
_ENTRIES: Final = 120
_SYSTEM: Final = "fraudstream"


def read_timeline(connection: Connection, customer_id: str) -> tuple[Happening, ...]:
    """The newest entries of all kinds, newest first. An alert stands for its decision."""
    found: list[Happening] = []
    for query, to_happening in _SOURCES:
        rows = connection.execute(query(customer_id).limit(_ENTRIES_OF_A_KIND))
        found += [to_happening(row) for row in rows]
    found.sort(key=lambda h: h.at, reverse=True)
    return tuple(found[:_ENTRIES])


def _decisions(customer_id: str) -> Select[Any]:
    has_alert = exists().where(
        fraud_alerts.c.transaction_id == decisions.c.transaction_id,
        fraud_alerts.c.decision_version == decisions.c.decision_version,
    )
    return (
        select(decisions, has_alert.label("has_alert"))
        .where(decisions.c.customer_id == customer_id)
        .order_by(decisions.c.event_time.desc())
    )


def _decision(row: Row[Any]) -> Happening:
    kind = "alert" if row.has_alert else "decision"
    return Happening(to_ms(row.event_time), kind, row.decided_by, row._asdict())


def _customer_events(customer_id: str) -> Select[Any]:
    return (
        select(customer_events)
        .where(customer_events.c.customer_id == customer_id)
        .order_by(customer_events.c.event_time.desc())
    )


def _customer_event(row: Row[Any]) -> Happening:
    return Happening(to_ms(row.event_time), "customer_event", "customer", row._asdict())


def _refusals(customer_id: str) -> Select[Any]:
    """An approval by the issuer is the rule and says nothing."""
    return (
        select(authorisations)
        .where(authorisations.c.customer_id == customer_id, authorisations.c.result == "declined")
        .order_by(authorisations.c.observed_at.desc())
    )


def _refusal(row: Row[Any]) -> Happening:
    return Happening(to_ms(row.observed_at), "authorisation", "issuer", row._asdict())


def _labels(customer_id: str) -> Select[Any]:
    return select(labels).where(labels.c.customer_id == customer_id).order_by(labels.c.observed_at.desc())


def _label(row: Row[Any]) -> Happening:
    return Happening(to_ms(row.observed_at), "label", row.source, row._asdict())


def _case_events(customer_id: str) -> Select[Any]:
    """Joining alerts are on the timeline as alerts."""
    return (
        select(case_events)
        .where(case_events.c.customer_id == customer_id, case_events.c.kind != "alert_added")
        .order_by(case_events.c.at.desc())
    )


def _case_event(row: Row[Any]) -> Happening:
    return Happening(to_ms(row.at), "case_event", row.actor, row._asdict())


_SOURCES: Final[tuple[tuple[Callable[[str], Select[Any]], Callable[[Row[Any]], Happening]], ...]] = (
    (_decisions, _decision),
    (_customer_events, _customer_event),
    (_refusals, _refusal),
    (_labels, _label),
    (_case_events, _case_event),
)


def read_customer(connection: Connection, customer_id: str) -> Customer:
    """Figures over all decisions of the customer."""
    amount = decisions.c.amount_base_minor
    is_approved = decisions.c.outcome == "approve"
    query = select(
        func.min(decisions.c.event_time).label("first_seen"),
        func.max(decisions.c.event_time).label("last_seen"),
        func.count().label("txn_count"),
        func.count().filter(is_approved).label("approved_count"),
        func.coalesce(func.avg(amount), 0).label("amount_mean"),
        func.coalesce(func.max(amount), 0).label("amount_max"),
        func.array_agg(decisions.c.merchant_country.distinct()).label("countries"),
        func.count(decisions.c.card_token.distinct()).label("cards"),
    ).where(decisions.c.customer_id == customer_id)
    row = connection.execute(query).one()
    case_count = select(func.count()).select_from(cases).where(cases.c.customer_id == customer_id)
    return Customer(
        customer_id=customer_id,
        first_seen=None if row.first_seen is None else to_ms(row.first_seen),
        last_seen=None if row.last_seen is None else to_ms(row.last_seen),
        txn_count=row.txn_count,
        approved_count=row.approved_count,
        stopped_count=row.txn_count - row.approved_count,
        amount_mean_base_minor=round(row.amount_mean),
        amount_max_base_minor=row.amount_max,
        countries=tuple(sorted(row.countries or ())),
        cards=row.cards,
        case_count=int(connection.execute(case_count).scalar_one()),
    )
