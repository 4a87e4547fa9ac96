"""The scan vouches only for what the exact parser takes, and says the same of it."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import orjson
import pytest
import xxhash

from data_pipeline.stream.hashing import xxh64
from data_pipeline.stream.scan import INTEGERS, PLACE, scan
from data_pipeline.stream.scanned import Scan
from data_pipeline.stream.texts import distinct
from fraud_prevention.domain.errors import InvalidTransaction
from fraud_prevention.domain.topics import INLINE_PAYLOAD_BYTES
from fraud_prevention.domain.transaction import FIELDS, TimeBounds, Transaction, parse_transaction
from fraud_prevention.usecases.intake import decode_transaction
from model.features.codes import encode, entity_codes_of, hash64
from tests.fixtures.bodies import odd_bodies, payloads
from tests.fixtures.events import START_MS

WIDE = TimeBounds(max_future_ms=10**12, max_age_ms=10**12)
NARROW = TimeBounds(max_future_ms=300_000, max_age_ms=86_400_000)


def scanned(bodies: Sequence[bytes | None], bounds: TimeBounds = WIDE, ingested_at: int = START_MS) -> Scan:
    return scan(bodies, np.arange(len(bodies)) + 5, np.full(len(bodies), ingested_at), bounds)


def one(**changes: object) -> bytes:
    return orjson.dumps({**payloads(1, seed=1)[0], "event_time": START_MS, **changes})


def assert_same(found: Scan, row: int, transaction: Transaction) -> None:
    assert found.events[row : row + 1].tobytes() == encode(transaction, row + 5).tobytes()
    assert tuple(found.entities[row].tolist()) == entity_codes_of(transaction)
    assert found.customers[row] == (hash64(transaction.customer_id) or 1)
    for name in FIELDS:
        value = getattr(transaction, name)
        if name in INTEGERS:
            assert found.integers[row, INTEGERS.index(name)] == value
        elif name not in ("lat", "lon"):
            start, end = int(found.starts[row, PLACE[name]]), int(found.ends[row, PLACE[name]])
            assert found.text[start:end].decode() == (value or "")


def test_plain_bodies_are_good_and_bit_equal() -> None:
    rows = payloads(3000, seed=5)
    found = scanned([orjson.dumps(row) for row in rows])
    assert found.is_good.all()
    for row, payload in enumerate(rows):
        assert_same(found, row, parse_transaction(payload, START_MS, WIDE))
        start, end = found.bodies[row].tolist()
        assert orjson.loads(found.text[start:end]) == payload


@pytest.mark.parametrize("bounds", [NARROW, TimeBounds(0, 0, is_enforced=False)])
def test_what_is_good_is_a_transaction_of_the_same_content(bounds: TimeBounds) -> None:
    bodies = odd_bodies(8000, seed=11)
    found = scanned(bodies, bounds)
    taken = 0
    for row, body in enumerate(bodies):
        try:
            transaction = decode_transaction(body, START_MS, bounds)
        except InvalidTransaction:
            assert not found.is_good[row], body
            continue
        taken += 1
        if found.is_good[row]:
            assert_same(found, row, transaction)
    assert 800 < found.is_good.sum() <= taken < 7000


def test_most_unusual_but_plain_ways_to_write_are_no_doubt() -> None:
    plain = orjson.loads(one())
    shuffled = list(plain.items())
    random.Random(3).shuffle(shuffled)
    found = scanned(
        [
            orjson.dumps(plain, option=orjson.OPT_INDENT_2),
            orjson.dumps(dict(shuffled)),
            one() + b"\n",
            one(lat=48, lon=-2),
            one(lat=48.123456789012345, lon=-0.1234567890123456),
            one(lat=-90, lon=180.0),
        ]
    )
    assert found.is_good.all()


@pytest.mark.parametrize(
    "value", ["0.1", "-0.0", "1e1", "16.777217", "48.97512345678901", "0.12345678901234567", "89.9999999"]
)
def test_degrees_are_the_nearest_single_of_the_nearest_double(value: str) -> None:
    body = one(lat=0.5).replace(b'"lat":0.5', b'"lat":' + value.encode())
    found = scanned([body])
    if found.is_good[0]:
        assert found.events["lat"].tobytes() == np.array([np.float64(value)]).astype(np.float32).tobytes()
    assert bool(found.is_good[0]) == ("e" not in value)


def test_singles_of_many_doubles() -> None:
    rng = random.Random(7)
    values = [rng.uniform(-90, 90) * 10.0 ** -rng.randrange(4) for _ in range(20_000)]
    # Half-way between two singles, and the doubles around.
    for _ in range(5_000):
        low = np.float32(rng.uniform(-90, 90))
        middle = (float(low) + float(np.nextafter(low, np.float32(100)))) / 2
        values += [middle, float(np.nextafter(middle, -100)), float(np.nextafter(middle, 100))]
    found = scanned([one(lat=value) for value in values])
    expected = np.array(values).astype(np.float32)
    assert np.array_equal(found.events["lat"][found.is_good], expected[found.is_good])
    assert found.is_good[:20_000].mean() > 0.95


@pytest.mark.parametrize(
    "value", ["9.500000000000000000", "0.9500000000000000000", "9223372036854775808", "-9" + "0" * 18]
)
def test_degrees_of_more_digits_than_a_word_holds_are_doubtful(value: str) -> None:
    body = one(lat=1.5).replace(b'"lat":1.5', b'"lat":' + value.encode())
    assert not scanned([body]).is_good.any()


def test_times_at_the_bounds_and_clocks_beyond_reason() -> None:
    bodies = [one(event_time=START_MS + d) for d in (300_000, 300_001, -86_400_000, -86_400_001)]
    assert scanned(bodies, NARROW).is_good.tolist() == [True, False, True, False]
    for clock in (2**63 - 1, -(2**63), 2**61):
        assert not scanned(bodies, NARROW, clock).is_good.any()
    assert scanned(bodies, TimeBounds(2**70, 2**70)).is_good.all()


def test_a_cut_body_does_not_run_into_the_next_one() -> None:
    body = one()
    for cut in range(len(body)):
        assert scanned([body[:cut], body[cut:], body]).is_good.tolist() == [False, cut == 0, True]


def test_large_bodies_are_doubtful() -> None:
    body = one()
    assert scanned([body.ljust(INLINE_PAYLOAD_BYTES), body.ljust(INLINE_PAYLOAD_BYTES + 1)]).is_good.tolist() == [
        True,
        False,
    ]


def test_nothing_to_scan() -> None:
    assert len(scanned([]).events) == 0
    assert scanned([None]).is_good.tolist() == [False]


def test_hash_is_the_one_of_the_codes() -> None:
    data = np.frombuffer(random.Random(1).randbytes(300), np.uint8)
    for length in range(200):
        for start in (0, 3):
            expected = xxhash.xxh64_intdigest(data[start : start + length].tobytes(), 42)
            assert int(xxh64(data, start, start + length)) == expected


def test_each_distinct_text_is_found_once() -> None:
    rng = random.Random(2)
    words = [f"w{i}" * rng.randrange(5) for i in range(500)]
    texts = [rng.choice(words) for _ in range(2000)]
    data = np.frombuffer("|".join([*texts, " " * 32]).encode(), np.uint8)
    lengths = np.array([len(text) for text in texts])
    ends = np.cumsum(lengths + 1) - 1
    starts = ends - lengths
    codes, firsts = distinct(data, starts, ends)
    assert [texts[firsts[code]] for code in codes.tolist()] == texts
    assert len(firsts) == len(set(texts))
