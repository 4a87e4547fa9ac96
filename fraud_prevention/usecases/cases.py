"""What an officer does with cases: page through the queue, open the next best one, judge it.

The store behind it is a port; every act is one transaction of it, so that a case, its history and the messages
that follow from it change together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from fraud_prevention.domain.case import (
    Alert,
    Case,
    CaseEvent,
    CaseEventKind,
    CaseStatus,
    CaseVerdict,
    event_id_for,
    give_verdict,
    is_case_id,
    reserve,
)
from fraud_prevention.domain.errors import NotFound
from fraud_prevention.usecases.labels import Label, labels_of


class QueueOrder(StrEnum):
    PRIORITY = "priority"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: its sort key (queue rank, or opened_at in ms) and the case id that breaks ties."""

    key: float
    case_id: str


@dataclass(frozen=True, slots=True)
class PageRequest:
    status: CaseStatus
    order: QueueOrder
    limit: int
    after: Cursor | None


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is None on the last page; `total` counts all pages."""

    items: tuple[Case, ...]
    next: Cursor | None
    total: int


@dataclass(frozen=True, slots=True)
class Happening:
    """One entry of the timeline: `kind` says which record `data` is."""

    at: int  # ms
    kind: str  # decision, alert, customer_event, authorisation, label, case_event
    actor: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Customer:
    """The customer as the decisions of this deployment know them. Times in ms, amounts in base minor units."""

    customer_id: str
    first_seen: int | None
    last_seen: int | None
    txn_count: int
    approved_count: int
    stopped_count: int
    amount_mean_base_minor: int
    amount_max_base_minor: int
    countries: tuple[str, ...]
    cards: int
    case_count: int


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that is shown of one case: alerts by falling risk, timeline newest first."""

    case: Case
    alerts: tuple[Alert, ...]
    timeline: tuple[Happening, ...]
    customer: Customer


@dataclass(frozen=True, slots=True)
class Totals:
    """Decisions by outcome since a moment, and what is open at this one. Amounts in base minor units."""

    by_outcome: Mapping[str, int]
    stopped_amount_base_minor: int
    cases_open: int
    alerts_open: int
    dead_letters: int


class CaseWork(Protocol):
    """One open transaction; what it wrote is seen by others after it ends well, and is gone where it does not."""

    def lock(self, case_id: str) -> Case:
        """The case, held against every other writer until the transaction ends. Waits for them; raises NotFound."""

    def release(self, case_id: str, officer: str, now_ms: int) -> None:
        """End the officer's reservation of an open case; whose it was stays known. Does nothing where there is none.

        Waits for other writers of the case.
        """

    def lock_next(self, officer: str, now_ms: int, leaving: str | None) -> Case | None:
        """The open case of the greatest queue rank that nobody else has reserved or is writing. Never waits.

        With `leaving`, the id of the case that the officer turns away from: never that one, and the cases that this
        officer has had within `LOCK_MS` only where there is no other, the one that was left first before the rest.
        """

    def alerts(self, case_id: str) -> Sequence[Alert]:
        """All alerts of the case, by falling risk score."""

    def save(self, case: Case) -> None:
        """Overwrite a locked case."""

    def record(self, event: CaseEvent) -> None:
        """Append to the case's history and queue the event for its topic. A repeated event id changes nothing."""

    def send_label(self, label: Label) -> None:
        """Queue the label for its topic."""


class CaseStore(Protocol):
    """Where cases live. Every method may block for the database's time-out, then raises Unavailable."""

    def page(self, request: PageRequest) -> Page: ...

    def dossier(self, case_id: str) -> Dossier:
        """Raises NotFound."""

    def begin(self) -> AbstractContextManager[CaseWork]: ...


class CaseDesk:
    """The officer's acts. `clock_ms` and `new_key` (a unique text a call) are injected."""

    def __init__(self, store: CaseStore, clock_ms: Callable[[], int], new_key: Callable[[], str]) -> None:
        self._store = store
        self._clock_ms = clock_ms
        self._new_key = new_key

    def list_cases(self, request: PageRequest) -> Page:
        return self._store.page(request)

    def view(self, case_id: str) -> Dossier:
        """Look without reserving. Raises NotFound."""
        return self._store.dossier(_checked(case_id))

    def open_next(self, officer: str, leaving: str | None = None) -> Dossier:
        """Reserve the next best case for this officer and show it; without `leaving` it may be one they hold already.

        `leaving` is the case that the officer turns away from: its reservation ends where it is theirs, and another
        case is given out. Two officers never get the same case. Raises NotFound where the queue has nothing (else)
        free; then nothing changes, and the reservation stands.
        """
        now_ms = self._clock_ms()
        with self._store.begin() as work:
            if leaving is not None:
                work.release(_checked(leaving), officer, now_ms)
            case = work.lock_next(officer, now_ms, leaving)
            if case is None:
                raise NotFound("case", "that is open and free")
            work.save(reserve(case, officer, now_ms))
            work.record(self._event(case, CaseEventKind.VIEWED, officer, now_ms, {}))
        return self._store.dossier(case.case_id)

    def give_verdict(
        self, case_id: str, verdict: CaseVerdict, officer: str, seen_version: int, note: str | None
    ) -> Case:
        """Close the case and label its transactions; both leave in the same transaction.

        Raises NotFound, or CaseConflict where the case is closed, changed since `seen_version`, or somebody else's.
        """
        now_ms = self._clock_ms()
        with self._store.begin() as work:
            case = work.lock(_checked(case_id))
            closed = give_verdict(case, verdict, officer, seen_version, now_ms)
            labels = labels_of(closed, work.alerts(case_id), verdict, now_ms)
            work.save(closed)
            for label in labels:
                work.send_label(label)
            if note:
                work.record(self._event(closed, CaseEventKind.NOTE, officer, now_ms, {"text": note}))
            data = {"verdict": verdict.value, "labels": len(labels), "version": closed.version}
            work.record(self._event(closed, CaseEventKind.VERDICT, officer, now_ms, data))
        return closed

    def _event(self, case: Case, kind: CaseEventKind, officer: str, now_ms: int, data: Mapping[str, Any]) -> CaseEvent:
        event_id = event_id_for(case.case_id, kind, self._new_key())
        return CaseEvent(event_id, case.case_id, case.customer_id, kind, officer, now_ms, data)


def _checked(case_id: str) -> str:
    if not is_case_id(case_id):
        raise NotFound("case", case_id)
    return case_id
