"""The streaming job on real Kafka, Redis and Spark: killed at any time it leaves what an undisturbed one does."""

from __future__ import annotations

import random
import time
from typing import Any

import orjson
import pytest

from fraud_prevention.domain.topics import ALERTS, AUTHORISATIONS, DECISIONS, FEATURES, LABELS, TRANSACTIONS
from model.features.catalogue import FEATURE_NAMES, index_of
from storage_security.redis.client import connect
from tests.fixtures.events import transactions
from tests.fixtures.stream import StreamBench

COUNT, KILLS = 16_000, 4
OUTPUTS = (DECISIONS, FEATURES, ALERTS, TRANSACTIONS + ".dlq")
BAD: dict[str, tuple[str, bytes]] = {
    # key: (reason code, value)
    "bad-json": ("malformed_json", b'{"transaction_id": "x"'),
    "bad-utf8": ("malformed_json", b'{"transaction_id": "\xff\xfe"}'),
    "bad-null": ("wrong_type", b"null"),
    "bad-list": ("wrong_type", b"[1]"),
    "bad-empty": ("malformed_json", b""),
}


def _spoilt() -> dict[str, tuple[str, bytes]]:
    good = transactions(1, customers=1, seed=99)[0]

    def having(**changes: Any) -> bytes:
        return orjson.dumps({**good, **changes})

    found = dict(BAD)
    found["bad-negative"] = ("out_of_range", having(amount_minor=-1))
    found["bad-absurd"] = ("out_of_range", having(amount_minor=10**15))
    found["bad-currency"] = ("unknown_value", having(currency="XXX"))
    found["bad-number-for-text"] = ("wrong_type", having(customer_id=12))
    found["bad-text-for-number"] = ("wrong_type", having(amount_minor="12"))
    found["bad-float"] = ("wrong_type", having(amount_minor=12.5))
    found["bad-unknown-field"] = ("unknown_field", having(amount=12))
    found["bad-nan"] = ("out_of_range", having(lat=None).replace(b'"lat":null', b'"lat":NaN'))
    found["bad-quotes"] = ("malformed_json", having().replace(b'"', b"'"))
    found["bad-tail"] = ("malformed_json", having() + b" x")
    found["bad-two"] = ("malformed_json", having() * 2)
    found["bad-nearly-large"] = ("unknown_field", having(note="n" * 1_000_000))
    found["bad-longer-as-letter"] = ("malformed_json", b"\x01" * 200_000)
    found["bad-many"] = ("unknown_field", orjson.dumps(good | {f"f{i}": 1 for i in range(50_000)}))
    found["bad-large"] = ("too_large", having(merchant_id="m" * 1_100_000))
    found["bad-huge"] = ("too_large", having(merchant_id="m" * 10_000_000))
    return found


def _content(decision: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in decision.items() if name != "meta"}


def _contents(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The distinct contents of each name, in the order in which they came."""
    distinct: dict[str, list[dict[str, Any]]] = {}
    for name, records in found.items():
        distinct[name] = []
        for record in map(_content, records):
            if record not in distinct[name]:
                distinct[name].append(record)
    return distinct


def _fill(stream_bench: StreamBench, payloads: list[dict[str, Any]], spoilt: dict[str, tuple[str, bytes]]) -> str:
    """Everything that the topics will hold; returns the customer of the conflict."""
    rng = random.Random(1)
    repeats = [payloads[i] for i in (10, 500)]  # the same event again
    conflict = {**payloads[700], "amount_base_minor": 7, "amount_minor": 7}  # its id with another body
    half = len(payloads) // 2
    stream_bench.send((p["customer_id"], orjson.dumps(p)) for p in payloads[:half])
    stream_bench.send((key, value) for key, (_, value) in spoilt.items())
    stream_bench.send((p["customer_id"], orjson.dumps(p)) for p in payloads[half:])
    stream_bench.send((p["customer_id"], orjson.dumps(p)) for p in [*repeats, conflict])
    told = [({n: p[n] for n in ("transaction_id", "customer_id")}, p) for p in payloads if rng.random() < 0.1]
    stream_bench.send(
        (
            (p["customer_id"], orjson.dumps(t | {"observed_at": p["event_time"] + 1, "result": "declined"}))
            for t, p in told
        ),
        AUTHORISATIONS,
    )
    labels = (
        t | {"event_time": p["event_time"], "observed_at": p["event_time"] + 86_400_000, "is_fraud": True,
             "merchant_id": p["merchant_id"]}
        for t, p in told[::2]
    )  # fmt: skip
    stream_bench.send(((label["customer_id"], orjson.dumps(label)) for label in labels), LABELS)
    return str(conflict["customer_id"])


def _await_end(stream_bench: StreamBench, ends: dict[str, list[int]]) -> None:
    def is_through() -> bool:
        assert stream_bench.is_running(), stream_bench.log()[-3_000:]
        return stream_bench.is_committed(ends)

    stream_bench.wait_until(is_through, "the end of the log")


@pytest.mark.timeout(1_200)  # several starts of Spark on a busy machine
def test_killed_again_and_again_it_leaves_what_an_undisturbed_run_does(stream_bench: StreamBench) -> None:
    payloads = transactions(COUNT, customers=400, seed=21, mean_gap_ms=50_000)  # repeats are known for 30 days
    spoilt = _spoilt()
    customer = _fill(stream_bench, payloads, spoilt)
    ends = stream_bench.positions().ends()
    stream_bench.launch()
    _await_end(stream_bench, ends)
    calm = {topic: stream_bench.read(topic) for topic in OUTPUTS}
    state = stream_bench.state()
    stream_bench.kill()
    _check_calm(calm, payloads, spoilt, customer)

    stream_bench.forget()
    rng = random.Random()
    kills = 0
    at = 0
    last = 0
    while kills < KILLS:
        stream_bench.launch()
        began = plan.number if (plan := stream_bench.plan()) else 0
        wanted = max(began, last) + rng.randrange(1, 4)
        stream_bench.wait_until(
            lambda wanted=wanted: (plan := stream_bench.plan()) is not None and plan.number >= wanted,  # type: ignore[misc]  # a lambda with a default
            f"plan {wanted}",
        )
        time.sleep(rng.random() * 0.3)  # anywhere within a plan
        stream_bench.kill()
        held = stream_bench.plan()
        assert held is not None
        last, at = held.number, held.total_end
        kills += 1
    assert at < sum(map(sum, ends.values())), "the kills came too late to prove anything"
    stream_bench.launch()
    _await_end(stream_bench, ends)
    assert "repeating the last plan" in stream_bench.log()
    found = {topic: stream_bench.read(topic) for topic in OUTPUTS}
    for topic in OUTPUTS:
        assert _contents(found[topic]) == _contents(calm[topic]), topic
    assert stream_bench.state() == state
    decided = found[DECISIONS]
    assert all(len(records) > 1 for records in decided.values())
    assert all(len(records) == 1 for records in _contents(decided).values())

    stream_bench.kill()
    with connect(stream_bench.redis) as client:
        client.flushdb()
    stream_bench.launch()
    stream_bench.wait_until(lambda: not stream_bench.is_running(), "the refusal of a lost state")
    assert "fraud state rebuild" in stream_bench.log()
    assert stream_bench.state() == {}


def _check_calm(
    calm: dict[str, dict[str, list[dict[str, Any]]]],
    payloads: list[dict[str, Any]],
    spoilt: dict[str, tuple[str, bytes]],
    customer: str,
) -> None:
    ids = {p["transaction_id"] for p in payloads}
    assert calm[DECISIONS].keys() == calm[FEATURES].keys() == ids
    assert all(len(records) == 1 for topic in (DECISIONS, FEATURES) for records in calm[topic].values())
    stopped = {name for name, (record,) in calm[DECISIONS].items() if record["outcome"] != "approve"}
    assert calm[ALERTS].keys() <= ids
    assert bool(calm[ALERTS]) == bool(stopped)
    letters = calm[TRANSACTIONS + ".dlq"]
    reasons = {key: {letter["reason"] for letter in found} for key, found in letters.items()}
    assert reasons.pop(customer) == {"duplicate_id"}
    assert reasons == {key: {reason} for key, (reason, _) in spoilt.items()}
    assert all("payload" not in letters[name][0] for name in ("bad-large", "bad-huge"))
    assert all({"topic", "partition", "offset"} <= letter.keys() for found in letters.values() for letter in found)
    declined = index_of("customer_decline_count_24h"), index_of("customer_known_fraud_count_30d")
    for place in declined:
        assert any(record["vector"][place] > 0 for (record,) in calm[FEATURES].values()), FEATURE_NAMES[place]
