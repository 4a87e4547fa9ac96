"""The officers' use cases on a real database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, text

from fraud_prevention.domain import topics
from fraud_prevention.domain.case import LOCK_MS, CaseStatus, CaseVerdict
from fraud_prevention.domain.errors import CaseConflict, NotFound
from fraud_prevention.ports import Record
from fraud_prevention.usecases.cases import CaseDesk, Page, PageRequest, QueueOrder
from storage_security.postgres.case_store import PostgresCaseStore
from storage_security.postgres.positions import Positions
from storage_security.sink.rows import TOPICS
from storage_security.sink.writer import SinkWriter

NOW_MS = 1_760_000_000_000
Fill = Callable[[str, list[dict[str, Any]]], None]


class NoCache:
    """The alert cache is not part of what is tested here."""

    def put(self, alerts: object) -> None:
        del alerts


@pytest.fixture
def fill(engine: Engine) -> Fill:
    """Writes payloads through the sink, as if they had come from the log."""
    writer = SinkWriter(engine, Positions("test", dict.fromkeys(TOPICS, "t")), NoCache(), lambda: NOW_MS)
    offsets = count()

    def write(topic: str, payloads: list[dict[str, Any]]) -> None:
        written = writer.write([Record(topic, 0, next(offsets), b"", orjson.dumps(p), NOW_MS) for p in payloads])
        assert written.bad == 0

    return write


class Clock:
    """A clock that a test moves."""

    now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(engine: Engine, clock: Clock) -> CaseDesk:
    keys = count()
    return CaseDesk(PostgresCaseStore(engine), clock, lambda: f"key-{next(keys)}")


@pytest.fixture
def queue(fill: Fill, alert: Callable[..., dict[str, Any]]) -> list[str]:
    """Ten customers with one alert each; c9 has most to lose."""
    fill(topics.ALERTS, [alert(f"tx-{i}", f"c{i}", amount_minor=1_000 * (i + 1)) for i in range(10)])
    return [f"c{i}" for i in reversed(range(10))]


def all_pages(desk: CaseDesk, order: QueueOrder, limit: int) -> list[Page]:
    pages = [desk.list_cases(PageRequest(CaseStatus.OPEN, order, limit, None))]
    while (after := pages[-1].next) is not None:
        pages.append(desk.list_cases(PageRequest(CaseStatus.OPEN, order, limit, after)))
    return pages


def outbox(engine: Engine, topic: str) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        query = text("SELECT payload FROM outbox WHERE topic = :topic ORDER BY outbox_id")
        return [orjson.loads(payload) for payload in connection.execute(query, {"topic": topic}).scalars()]


@pytest.mark.parametrize("order", QueueOrder)
def test_pages_hold_every_case_once(desk: CaseDesk, queue: list[str], order: QueueOrder) -> None:
    pages = all_pages(desk, order, limit=3)
    customers = [case.customer_id for page in pages for case in page.items]
    assert sorted(customers) == sorted(queue)
    assert [len(page.items) for page in pages] == [3, 3, 3, 1]
    assert {page.total for page in pages} == {10}
    if order is QueueOrder.PRIORITY:
        assert customers == queue


def test_next_best_cases_are_given_out_by_rank_and_never_twice(desk: CaseDesk, queue: list[str]) -> None:
    with ThreadPoolExecutor(6) as pool:
        opened = list(pool.map(lambda n: desk.open_next(f"officer-{n}").case.customer_id, range(6)))
    assert sorted(opened) == sorted(queue[:6])


def test_reserved_case_comes_back_to_its_officer_and_to_others_after_the_lock(
    desk: CaseDesk, queue: list[str], clock: Clock
) -> None:
    assert desk.open_next("ann").case.customer_id == queue[0]
    assert desk.open_next("ann").case.customer_id == queue[0]
    assert desk.open_next("bob").case.customer_id == queue[1]
    clock.now_ms += LOCK_MS
    assert desk.open_next("cyd").case.customer_id == queue[0]


def next_customer(desk: CaseDesk, leaving: str | None) -> tuple[str, str]:
    """Whose case ann gets as the next one, and its id."""
    case = desk.open_next("ann", leaving).case
    assert (case.assigned_to, case.locked_until) == ("ann", NOW_MS + LOCK_MS)
    return case.customer_id, case.case_id


def test_going_on_leads_through_the_whole_queue_and_then_to_what_was_left_first(
    desk: CaseDesk, queue: list[str], clock: Clock
) -> None:
    seen, leaving = [], None
    for _ in range(len(queue) + 2):
        opened = desk.open_next("ann", leaving).case
        seen.append(opened.customer_id)
        leaving = opened.case_id
        clock.now_ms += 1_000
    assert seen == [*queue, *queue[:2]]


def test_case_that_is_left_is_free_for_others_and_the_one_that_follows_is_reserved(
    desk: CaseDesk, queue: list[str]
) -> None:
    _, first = next_customer(desk, None)
    assert next_customer(desk, first)[0] == queue[1]
    assert desk.open_next("bob").case.customer_id == queue[0]
    assert desk.open_next("cyd").case.customer_id == queue[2]


def test_case_that_was_left_comes_first_again_after_a_while(desk: CaseDesk, queue: list[str], clock: Clock) -> None:
    first = desk.open_next("ann").case.case_id
    second = desk.open_next("ann", first).case.case_id
    clock.now_ms += LOCK_MS
    assert desk.open_next("ann", second).case.customer_id == queue[0]


def test_reservation_stands_where_there_is_no_other_case(
    desk: CaseDesk, fill: Fill, alert: Callable[..., dict[str, Any]]
) -> None:
    fill(topics.ALERTS, [alert("tx-1", "c1")])
    _, only = next_customer(desk, None)
    with pytest.raises(NotFound):
        desk.open_next("ann", only)
    assert desk.view(only).case.locked_until == NOW_MS + LOCK_MS
    with pytest.raises(NotFound):
        desk.open_next("bob")


def test_leaving_what_is_not_reserved_by_this_officer_changes_nothing_of_it(desk: CaseDesk, queue: list[str]) -> None:
    theirs = desk.open_next("bob").case
    second, case_id = next_customer(desk, theirs.case_id)
    assert second == queue[1]
    assert desk.view(theirs.case_id).case == theirs
    closed = desk.give_verdict(case_id, CaseVerdict.FRAUD, "ann", desk.view(case_id).case.version, None)
    third, case_id = next_customer(desk, closed.case_id)
    assert third == queue[2]
    assert desk.view(closed.case_id).case == closed
    assert next_customer(desk, "cs-0000000000000000")[0] == queue[3]
    with pytest.raises(NotFound):
        desk.open_next("ann", "\0")


def test_officers_who_go_on_at_once_get_different_cases(desk: CaseDesk, queue: list[str]) -> None:
    officers = [f"officer-{n}" for n in range(4)]
    held = {officer: desk.open_next(officer).case.case_id for officer in officers}
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda officer: desk.open_next(officer, held[officer]).case, officers))
    assert len({case.case_id for case in opened}) == len(officers)
    assert all(case.case_id != held[officer] for case, officer in zip(opened, officers, strict=True))
    assert len(queue) == 10


def test_empty_queue_is_not_found(desk: CaseDesk) -> None:
    with pytest.raises(NotFound):
        desk.open_next("ann")
    with pytest.raises(NotFound):
        desk.view("cs-0000000000000000")
    with pytest.raises(NotFound):
        desk.view("\0")


def test_verdict_leaves_labels_and_events_with_the_closed_case(
    desk: CaseDesk, engine: Engine, fill: Fill, alert: Callable[..., dict[str, Any]]
) -> None:
    fill(topics.ALERTS, [alert("tx-1", "c1"), alert("tx-2", "c1")])
    case = desk.open_next("ann").case
    closed = desk.give_verdict(case.case_id, CaseVerdict.FRAUD, "ann", case.version, "called the customer")
    assert (closed.status, closed.verdict, closed.version) == (CaseStatus.CLOSED, CaseVerdict.FRAUD, 3)
    labels = outbox(engine, topics.LABELS)
    assert {label["transaction_id"] for label in labels} == {"tx-1", "tx-2"}
    assert all(label["is_fraud"] and label["source"] == "officer" for label in labels)
    kinds = [event["kind"] for event in outbox(engine, topics.CASE_EVENTS)]
    assert kinds == ["opened", "alert_added", "viewed", "note", "verdict"]


def test_refused_verdict_leaves_nothing(
    desk: CaseDesk, engine: Engine, fill: Fill, alert: Callable[..., dict[str, Any]]
) -> None:
    fill(topics.ALERTS, [alert("tx-1", "c1")])
    case = desk.open_next("ann").case
    fill(topics.ALERTS, [alert("tx-2", "c1")])
    with pytest.raises(CaseConflict, match="has changed"):
        desk.give_verdict(case.case_id, CaseVerdict.FRAUD, "ann", case.version, None)
    assert outbox(engine, topics.LABELS) == []
    assert desk.view(case.case_id).case.status is CaseStatus.OPEN


def test_one_of_two_verdicts_at_once_is_refused(desk: CaseDesk, queue: list[str], engine: Engine) -> None:
    del queue
    case = desk.open_next("ann").case

    def judge(verdict: CaseVerdict) -> bool:
        try:
            desk.give_verdict(case.case_id, verdict, "ann", case.version, None)
        except CaseConflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(judge, CaseVerdict)) == [False, True]
    assert len(outbox(engine, topics.LABELS)) == 1


def test_alert_after_the_verdict_opens_a_new_case(
    desk: CaseDesk, fill: Fill, alert: Callable[..., dict[str, Any]]
) -> None:
    fill(topics.ALERTS, [alert("tx-1", "c1")])
    first = desk.open_next("ann").case
    desk.give_verdict(first.case_id, CaseVerdict.LEGITIMATE, "ann", first.version, None)
    fill(topics.ALERTS, [alert("tx-2", "c1")])
    second = desk.open_next("ann")
    assert second.case.case_id != first.case_id
    assert second.customer.case_count == 2


def test_dossier_tells_what_happened_around_the_customer(
    desk: CaseDesk, fill: Fill, decision: Callable[..., dict[str, Any]], alert: Callable[..., dict[str, Any]]
) -> None:
    fill(
        topics.DECISIONS,
        [
            decision("tx-1", "c1", event_time=NOW_MS - 5_000, amount_base_minor=1_000),
            decision("tx-2", "c1", event_time=NOW_MS - 3_000, outcome="review", merchant_country="JP"),
            decision("tx-3", "other"),
        ],
    )
    fill(topics.ALERTS, [alert("tx-2", "c1")])
    event = {"event_id": "e1", "customer_id": "c1", "kind": "new_device", "event_time": NOW_MS - 4_000, "detail": {}}
    fill(topics.CUSTOMER_EVENTS, [event])
    refusal = {"transaction_id": "tx-1", "customer_id": "c1", "result": "declined", "observed_at": NOW_MS - 4_500}
    fill(topics.AUTHORISATIONS, [refusal, {**refusal, "result": "approved", "observed_at": NOW_MS - 4_400}])
    dossier = desk.open_next("ann")
    assert [h.kind for h in dossier.timeline if h.kind != "case_event"] == [
        "alert", "customer_event", "authorisation", "decision",
    ]  # fmt: skip
    assert sum(h.kind == "case_event" for h in dossier.timeline) == 2
    customer = dossier.customer
    assert (customer.txn_count, customer.stopped_count, customer.amount_mean_base_minor) == (2, 1, 3_000)
    assert (customer.countries, customer.cards, customer.case_count) == (("AT", "JP"), 1, 1)
    assert [a.transaction_id for a in dossier.alerts] == ["tx-2"]
