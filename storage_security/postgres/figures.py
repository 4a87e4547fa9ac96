"""The key figures that the stores know."""

from __future__ import annotations

from sqlalchemy import Engine, func, select

from fraud_prevention.usecases.cases import Totals
from storage_security.postgres.engine import availability, to_moment
from storage_security.postgres.tables import cases, dead_letters, fraud_summary


def read_totals(engine: Engine, since_ms: int) -> Totals:
    """Whole hours: the one that holds `since_ms` counts in full. Raises Unavailable."""
    since = func.date_trunc("hour", to_moment(since_ms), "UTC")
    summary = (
        select(
            fraud_summary.c.outcome,
            func.sum(fraud_summary.c.decisions).label("n"),
            func.sum(fraud_summary.c.amount_base_minor).label("amount"),
        )
        .where(fraud_summary.c.hour >= since)
        .group_by(fraud_summary.c.outcome)
    )
    queue = select(func.count(), func.coalesce(func.sum(cases.c.alert_count), 0)).where(cases.c.status == "open")
    with availability(), engine.connect() as connection:
        rows = connection.execute(summary).all()
        cases_open, alerts_open = connection.execute(queue).one()
        letters = connection.execute(select(func.count()).select_from(dead_letters)).scalar_one()
    return Totals(
        by_outcome={row.outcome: int(row.n) for row in rows},
        stopped_amount_base_minor=sum(int(row.amount) for row in rows if row.outcome != "approve"),
        cases_open=int(cases_open),
        alerts_open=int(alerts_open),
        dead_letters=int(letters),
    )
