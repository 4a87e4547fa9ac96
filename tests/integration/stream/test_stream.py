"""The streaming job on real Kafka, Redis and Spark: nothing lost, nothing decided twice, equal to replay."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from model.features.catalogue import FEATURE_NAMES
from model.features.replay import replay
from tests.fixtures.events import as_table, transactions
from tests.fixtures.stream import StreamBench

COUNT = 6_000
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
    return found


def _content(decision: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in decision.items() if name != "meta"}


@pytest.mark.timeout(600)  # two starts of Spark on a busy machine
def test_accepted_equals_decided_through_a_kill_in_the_middle(stream_bench: StreamBench) -> None:
    payloads = transactions(COUNT, customers=200, seed=21)
    repeats = [payloads[i] for i in (10, 500)]  # the same event again
    conflict = {**payloads[700], "amount_base_minor": 7, "amount_minor": 7}  # its id with another body
    spoilt = _spoilt()
    stream_bench.send((p["customer_id"], orjson.dumps(p)) for p in payloads[: COUNT // 2])
    stream_bench.send((key, value) for key, (_, value) in spoilt.items())
    stream_bench.send((p["customer_id"], orjson.dumps(p)) for p in payloads[COUNT // 2 :])
    stream_bench.send((p["customer_id"], orjson.dumps(p)) for p in [*repeats, conflict])

    stream_bench.start()
    stream_bench.wait_until(lambda: stream_bench.count("decisions.v1") > COUNT // 4, "a quarter of the decisions")
    stream_bench.kill()
    before = stream_bench.count("decisions.v1")
    stream_bench.start()
    stream_bench.wait_until(lambda: stream_bench.count("decisions.v1") >= COUNT, "every decision")
    stream_bench.wait_until(lambda: stream_bench.count("transactions.v1.dlq") > len(spoilt), "every dead letter")
    stream_bench.wait_until(lambda: len(stream_bench.read("decisions.v1")) == COUNT, "one decision an id")

    assert before < COUNT  # or the kill came too late to prove anything
    decisions = stream_bench.read("decisions.v1")
    assert decisions.keys() == {p["transaction_id"] for p in payloads}
    for found in decisions.values():
        assert all(_content(d) == _content(found[0]) for d in found)

    letters = stream_bench.read("transactions.v1.dlq")
    reasons = {key: {letter["reason"] for letter in found} for key, found in letters.items()}
    assert reasons.pop(conflict["customer_id"]) == {"duplicate_id"}
    assert reasons == {key: {reason} for key, (reason, _) in spoilt.items()}
    assert "payload" not in letters["bad-large"][0]
    assert all({"topic", "partition", "offset"} <= letter.keys() for found in letters.values() for letter in found)

    _equals_replay(payloads, stream_bench.read("features.v1"))


def _equals_replay(payloads: list[dict[str, Any]], served: dict[str, list[dict[str, Any]]]) -> None:
    expected = replay(as_table(payloads))
    for payload, vector in zip(payloads, expected, strict=True):
        for record in served[payload["transaction_id"]]:
            different = np.flatnonzero(np.array(record["vector"]) != vector)
            assert not different.size, (payload["transaction_id"], [FEATURE_NAMES[i] for i in different])
