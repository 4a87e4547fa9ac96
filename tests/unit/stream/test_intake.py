"""Messages to transactions: the same split, the same reasons and the same content as the exact parser's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import orjson
import pytest

from data_pipeline.stream.intake import Intake, take_in
from fraud_prevention.domain.errors import FieldError, InvalidTransaction
from fraud_prevention.domain.transaction import TimeBounds, Transaction
from fraud_prevention.policy.assemble import INTEGERS, TEXTS, payments_of
from fraud_prevention.policy.decide import columns_of
from fraud_prevention.policy.expressions import Coded
from fraud_prevention.policy.json_rows import Texts
from fraud_prevention.policy.vocabulary import TRANSACTION_KINDS
from fraud_prevention.usecases.intake import decode_transaction
from model.features.codes import encode, entity_codes_of, hash64
from tests.fixtures.bodies import odd_bodies, plain_bodies
from tests.fixtures.events import START_MS

BOUNDS = TimeBounds(max_future_ms=300_000, max_age_ms=3 * 86_400_000)


@dataclass(frozen=True)
class Message:
    """What is used of Kafka's."""

    body: bytes | None
    place: int

    def value(self) -> bytes | None:
        return self.body

    def offset(self) -> int:
        return 1000 + self.place

    def partition(self) -> int:
        return self.place % 3

    def timestamp(self) -> tuple[int, int]:
        return 1, START_MS + self.place


def messages_of(bodies: list[bytes | None]) -> list[Message]:
    return [Message(body, place) for place, body in enumerate(bodies)]


def assert_same(found: Intake, good: dict[int, Transaction]) -> None:
    places = list(good)
    transactions = list(good.values())
    wire = [t.to_wire() for t in transactions]
    assert found.places.tolist() == places
    assert len(found) == len(places)
    assert found.partitions.tolist() == [p % 3 for p in places]
    assert found.ingested_at.tolist() == [START_MS + p for p in places]
    assert found.events.tobytes() == b"".join(encode(t, 1000 + p).tobytes() for p, t in good.items())
    assert found.entities.tolist() == [list(entity_codes_of(t)) for t in transactions]
    assert found.customers.tolist() == [hash64(t.customer_id) or 1 for t in transactions]
    assert found.is_decided.tolist() == [t.decided_by is not None for t in transactions]
    every = np.arange(len(places))
    for rows in (every, every[::-3], every[:0]):
        chosen = [wire[row] for row in rows.tolist()]
        assert found.customer_ids(rows) == [w["customer_id"] for w in chosen]
        ours, theirs = found.payments(rows), payments_of(chosen)
        for name in TEXTS:
            column = ours.texts[name]
            assert isinstance(column, Texts)
            assert column.tolist() == theirs.texts[name]
            assert column.escaped() is column
        for name in INTEGERS:
            assert list(ours.integers[name]) == theirs.integers[name]
        assert [orjson.loads(ours.wire(i)) for i in range(len(rows))] == chosen
        columns, expected = found.columns(tuple(TRANSACTION_KINDS), rows), columns_of(chosen, tuple(TRANSACTION_KINDS))
        assert columns.keys() == expected.keys()
        for name, theirs_of in expected.items():
            ours_of = columns[name]
            if isinstance(theirs_of, Coded):
                assert isinstance(ours_of, Coded)
                assert ours_of.decoded().tolist() == theirs_of.decoded().tolist()
                assert len(set(ours_of.values)) == len(ours_of.values)
            else:
                assert isinstance(ours_of, np.ndarray)
                assert ours_of.dtype == np.float64
                assert np.array_equal(ours_of, theirs_of)


@pytest.mark.parametrize("bounds", [BOUNDS, TimeBounds(0, 0, is_enforced=False)])
def test_split_reasons_and_content_are_those_of_the_exact_parser(bounds: TimeBounds) -> None:
    messages = messages_of([*odd_bodies(5000, seed=23), *plain_bodies(300, seed=24)])
    good: dict[int, Transaction] = {}
    bad: list[tuple[int, list[FieldError]]] = []
    for message in messages:
        try:
            good[message.place] = decode_transaction(message.body, START_MS + message.place, bounds)
        except InvalidTransaction as error:
            bad.append((message.place, error.errors))
    found = take_in(messages, bounds)
    assert [(r.place, r.errors) for r in found.rejected] == bad
    assert len(good) > 1000
    assert len(bad) > 1000
    assert_same(found, good)


def test_plain_bodies_only() -> None:
    messages = messages_of(list(plain_bodies(200, seed=3)))
    found = take_in(messages, BOUNDS)
    assert not found.rejected
    assert not found.rewritten
    assert_same(found, {m.place: decode_transaction(m.body, START_MS + m.place, BOUNDS) for m in messages})
    assert [found.payments(np.arange(200)).wire(i) for i in range(200)] == [m.body for m in messages]


def test_a_payload_without_its_base_amount_goes_on_with_it() -> None:
    payload = {**orjson.loads(plain_bodies(1, seed=3)[0]), "currency": "USD", "amount_minor": 10_705, "lat": 1e-7}
    del payload["amount_base_minor"]
    found = take_in(messages_of([b"{", orjson.dumps(payload)]), BOUNDS)
    assert found.places.tolist() == [1]
    wire = orjson.loads(found.payments(np.array([0])).wire(0))
    assert wire == {**payload, "amount_base_minor": 10_000}
    assert (found.events["money"] >> np.uint64(24)).tolist() == [10_000]
    assert found.events["lat"].tolist() == [np.float32(1e-7)]


def test_nothing_came_in() -> None:
    assert_same(take_in([], BOUNDS), {})
    found = take_in(messages_of([None]), BOUNDS)
    assert [r.errors[0].code for r in found.rejected] == ["missing"]
    assert_same(found, {})
