"""Decisions of the past in PostgreSQL, for callers whose cache has lost them."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as OutOfTime
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select

from fraud_prevention.domain.errors import Unavailable
from fraud_prevention.ports import PastDecision
from storage_security.postgres.engine import availability, connect, to_ms
from storage_security.postgres.tables import decisions

_LATEST = (
    select(decisions)
    .where(decisions.c.transaction_id == bindparam("transaction_id"))
    .order_by(decisions.c.decision_version.desc())
    .limit(1)
)
_OF_META = ("decided_at", "latency_ms")
# The shortest that libpq knows; a caller gives up long before, and the next one may find the connection open.
_CONNECT_TIMEOUT_S: Final = 2


class PostgresDecisionLookup:
    """`ports.DecisionLookup` on the sink's table.

    A caller waits `timeout_ms` at most, whatever it waits for: a free connection, the server's door, its answer.
    The queries run on threads of their own, one per connection, because no time-out of the driver bounds all of that.
    A query is handed over only to a thread that is free, so that none queue up behind a server that hangs.
    """

    def __init__(self, dsn: str, connections: int, timeout_ms: int) -> None:
        engine = connect(dsn, connections, timeout_ms, _CONNECT_TIMEOUT_S)
        # One statement is a transaction by itself: no round trips to begin and end one.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="decision-lookup")
        self._free = threading.BoundedSemaphore(connections)
        self._timeout_s = timeout_ms / 1000

    def find(self, transaction_id: str) -> PastDecision | None:
        """See `ports.DecisionLookup.find`."""
        give_up_at = time.monotonic() + self._timeout_s
        if not self._free.acquire(timeout=self._timeout_s):
            raise Unavailable("postgresql", f"no connection was free within {self._timeout_s:g} s")
        query = self._threads.submit(self._query, transaction_id)
        query.add_done_callback(lambda _: self._free.release())
        try:
            return query.result(max(0.0, give_up_at - time.monotonic()))
        except OutOfTime:
            raise Unavailable("postgresql", f"no answer within {self._timeout_s:g} s") from None

    def _query(self, transaction_id: str) -> PastDecision | None:
        with availability(), self._engine.connect() as connection:
            row = connection.execute(_LATEST, {"transaction_id": transaction_id}).mappings().first()
        if row is None:
            return None
        decision = {name: _to_wire(value) for name, value in row.items() if name not in _OF_META}
        decision["meta"] = {name: _to_wire(row[name]) for name in _OF_META}
        return PastDecision(decision)

    def close(self) -> None:
        """Let go of the connections, once the queries under way have ended."""
        self._threads.shutdown()
        self._engine.dispose()


def _to_wire(value: object) -> object:
    return to_ms(value) if isinstance(value, datetime) else value
