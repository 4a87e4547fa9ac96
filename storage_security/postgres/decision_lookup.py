"""Decisions of the past in PostgreSQL, for callers whose cache has lost them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, bindparam, select

from fraud_prevention.ports import PastDecision
from storage_security.postgres.engine import availability, to_ms
from storage_security.postgres.tables import decisions

_LATEST = (
    select(decisions)
    .where(decisions.c.transaction_id == bindparam("transaction_id"))
    .order_by(decisions.c.decision_version.desc())
    .limit(1)
)
_OF_META = ("decided_at", "latency_ms")


class PostgresDecisionLookup:
    """`ports.DecisionLookup` on the sink's table. The engine's statement time-out bounds each call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, transaction_id: str) -> PastDecision | None:
        """See `ports.DecisionLookup.find`."""
        with availability(), self._engine.connect() as connection:
            row = connection.execute(_LATEST, {"transaction_id": transaction_id}).mappings().first()
        if row is None:
            return None
        decision = {name: _to_wire(value) for name, value in row.items() if name not in _OF_META}
        decision["meta"] = {name: _to_wire(row[name]) for name in _OF_META}
        return PastDecision(decision)

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()


def _to_wire(value: object) -> object:
    return to_ms(value) if isinstance(value, datetime) else value
