"""Cases in PostgreSQL: the `CaseStore` of the officers' use cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, false, func, not_, or_, select, tuple_, update

from fraud_prevention.domain import topics
from fraud_prevention.domain.case import LOCK_MS, Alert, Case, CaseEvent, CaseStatus
from fraud_prevention.domain.errors import NotFound
from fraud_prevention.usecases.cases import Cursor, Dossier, Page, PageRequest, QueueOrder
from fraud_prevention.usecases.labels import Label
from storage_security.postgres.case_rows import record_events, save_cases, to_alert, to_case
from storage_security.postgres.dossier import read_customer, read_timeline
from storage_security.postgres.engine import availability, to_moment, to_ms
from storage_security.postgres.outbox import Message, enqueue
from storage_security.postgres.tables import cases, fraud_alerts

# A customer with more open alerts than this is judged by the riskiest; the verdict labels all of them.
SHOWN_ALERTS: Final = 100


class PostgresCaseStore:
    """Thread-safe; one connection of the pool for each call."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # A dossier is several queries that must show the same moment.
        self._snapshot = engine.execution_options(isolation_level="REPEATABLE READ")

    def page(self, request: PageRequest) -> Page:
        """See CaseStore.page."""
        is_ranked = request.order is QueueOrder.PRIORITY
        key = cases.c.queue_rank if is_ranked else cases.c.opened_at
        query = (
            select(cases)
            .where(cases.c.status == request.status.value)
            .order_by(key.desc(), cases.c.case_id.desc())
            .limit(request.limit + 1)
        )
        if request.after is not None:
            after_key: Any = request.after.key if is_ranked else to_moment(round(request.after.key))
            query = query.where(tuple_(key, cases.c.case_id) < tuple_(after_key, request.after.case_id))
        count = select(func.count()).select_from(cases).where(cases.c.status == request.status.value)
        with availability(), self._snapshot.connect() as connection:
            rows = connection.execute(query).all()
            total = int(connection.execute(count).scalar_one())
        shown = rows[: request.limit]
        following = None
        if len(rows) > request.limit:
            last = shown[-1]
            following = Cursor(last.queue_rank if is_ranked else float(to_ms(last.opened_at)), last.case_id)
        return Page(tuple(map(to_case, shown)), following, total)

    def dossier(self, case_id: str) -> Dossier:
        """See CaseStore.dossier."""
        with availability(), self._snapshot.connect() as connection:
            case = _one_case(connection, select(cases).where(cases.c.case_id == case_id), case_id)
            return Dossier(
                case=case,
                alerts=_read_alerts(connection, case_id, SHOWN_ALERTS),
                timeline=read_timeline(connection, case.customer_id),
                customer=read_customer(connection, case.customer_id),
            )

    @contextmanager
    def begin(self) -> Iterator[PostgresCaseWork]:
        """See CaseStore.begin."""
        with availability(), self._engine.begin() as connection:
            yield PostgresCaseWork(connection)


class PostgresCaseWork:
    """`CaseWork` on one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lock(self, case_id: str) -> Case:
        """See CaseWork.lock."""
        return _one_case(self._connection, select(cases).where(cases.c.case_id == case_id).with_for_update(), case_id)

    def release(self, case_id: str, officer: str, now_ms: int) -> None:
        """See CaseWork.release."""
        is_theirs = and_(cases.c.status == CaseStatus.OPEN.value, cases.c.assigned_to == officer)
        ended = update(cases).where(cases.c.case_id == case_id, is_theirs).values(locked_until=to_moment(now_ms))
        self._connection.execute(ended)

    def lock_next(self, officer: str, now_ms: int, leaving: str | None) -> Case | None:
        """See CaseWork.lock_next."""
        is_free = or_(
            cases.c.assigned_to.is_(None),
            cases.c.assigned_to == officer,
            cases.c.locked_until.is_(None),
            cases.c.locked_until <= to_moment(now_ms),
        )
        by_rank = (cases.c.queue_rank.desc(), cases.c.case_id.desc())
        if leaving is None:
            return self._lock_first(is_free, *by_rank)
        is_other = cases.c.case_id != leaving
        had_lately = and_(cases.c.assigned_to == officer, cases.c.locked_until > to_moment(now_ms - LOCK_MS))
        # Of a case that nobody had it is unknown, which its negation would be too.
        was_had = func.coalesce(had_lately, false())
        best = self._lock_first(and_(is_other, is_free, not_(was_had)), *by_rank)
        return best or self._lock_first(and_(is_other, was_had), cases.c.locked_until, cases.c.case_id)

    def _lock_first(self, condition: ColumnElement[bool], *order: ColumnElement[Any]) -> Case | None:
        query = (
            select(cases)
            .where(cases.c.status == CaseStatus.OPEN.value, condition)
            .order_by(*order)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else to_case(row)

    def alerts(self, case_id: str) -> Sequence[Alert]:
        """See CaseWork.alerts."""
        return _read_alerts(self._connection, case_id, None)

    def save(self, case: Case) -> None:
        """See CaseWork.save."""
        save_cases(self._connection, [case])

    def record(self, event: CaseEvent) -> None:
        """See CaseWork.record."""
        record_events(self._connection, [event])

    def send_label(self, label: Label) -> None:
        """See CaseWork.send_label."""
        enqueue(self._connection, [Message(label.label_id, topics.LABELS, label.customer_id, label.to_wire())])


def _one_case(connection: Connection, query: Select[Any], case_id: str) -> Case:
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("case", case_id)
    return to_case(row)


def _read_alerts(connection: Connection, case_id: str, limit: int | None) -> tuple[Alert, ...]:
    query = (
        select(fraud_alerts.c.payload)
        .where(fraud_alerts.c.case_id == case_id)
        .order_by(fraud_alerts.c.risk_score.desc(), fraud_alerts.c.alert_id)
        .limit(limit)
    )
    return tuple(to_alert(payload) for payload in connection.execute(query).scalars())
