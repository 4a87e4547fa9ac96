"""Replay, stream and API give the same vectors, bit for bit, under the order of the log.

The first events are decided over HTTP, one after the other, with the stream running beside and taking them into the
state; the rest is decided by the stream. Then all of them go through the decide use case in this process, on real
Redis, with batches that absorb the pending entries as the stream would. Replay is what both are held against.
"""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import orjson
import pytest
import redis
from numpy.typing import NDArray

from config import ROOT, ModelSettings
from fraud_prevention.bootstrap import load_brain
from fraud_prevention.clock import SystemClock
from fraud_prevention.domain.topics import FEATURES, TOPICS
from fraud_prevention.domain.transaction import TimeBounds
from fraud_prevention.usecases.decide import DecideLimits, DecideTransaction, Dependencies
from model.features.catalogue import FEATURE_COUNT, FEATURE_NAMES
from model.features.codes import encode_table, index_customers
from model.features.engine import BatchSpan, compute_batch
from model.features.replay import replay
from storage_security.kafka.memory_log import MemoryBroker, MemoryLog
from storage_security.redis.idempotency import Lifetimes, RedisAnswerStore
from storage_security.redis.state_store import RedisStateStore
from tests.fixtures.events import as_table, transactions
from tests.fixtures.stream import StreamBench

ABSORB_EVERY = 5_000
Payload = dict[str, Any]
Vectors = NDArray[np.float64]


@pytest.mark.integration
@pytest.mark.timeout(2_400)
@pytest.mark.parametrize(
    ("events", "over_http"),
    [pytest.param(12_000, 300, id="quick"), pytest.param(200_000, 5_000, id="full", marks=pytest.mark.slow)],
)
def test_replay_stream_and_api_agree(
    parity_bench: StreamBench, capsys: pytest.CaptureFixture[str], events: int, over_http: int
) -> None:
    payloads = transactions(events, customers=events // 70, seed=31, mean_gap_ms=6_000_000_000 // events)
    expected = replay(as_table(payloads))

    _decide_over_http(parity_bench, payloads[:over_http])
    parity_bench.send((p["customer_id"], orjson.dumps(p)) for p in payloads[over_http:])
    parity_bench.wait_until(lambda: parity_bench.count(FEATURES) >= events, "every vector")
    served = {i: found[0] for i, found in parity_bench.read(FEATURES).items()}
    by_http = [served[p["transaction_id"]]["decided_by"] for p in payloads[:over_http]]
    by_stream = [served[p["transaction_id"]]["decided_by"] for p in payloads[over_http:]]
    assert set(by_http) == {"api"}
    assert set(by_stream) == {"stream"}
    live = np.array([served[p["transaction_id"]]["vector"] for p in payloads])
    in_process = np.array(list(_decide_in_process(parity_bench, payloads)))

    worst = {"http and stream": _worst(live, expected), "api in process": _worst(in_process, expected)}
    summary = {
        "events": events,
        "features": FEATURE_COUNT,
        "compared": int(live.size + in_process.size),
        "max_abs_diff": max(difference for difference, _ in worst.values()),
        "over_http": over_http,
    }
    with capsys.disabled():
        sys.stdout.write(f"\n{json.dumps(summary)}\n")
    assert worst == {"http and stream": (0.0, []), "api in process": (0.0, [])}


def _worst(found: Vectors, expected: Vectors) -> tuple[float, list[str]]:
    difference = np.abs(found - expected).max(axis=0)
    return float(difference.max()), [FEATURE_NAMES[i] for i in np.flatnonzero(difference)]


def _decide_over_http(bench: StreamBench, payloads: list[Payload]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", bench.stack.ports()["decision-api"], timeout=30)
    try:
        for payload in payloads:
            body = orjson.dumps(payload)
            connection.request("POST", "/v1/decisions", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 200, content
            assert orjson.loads(content)["degraded"] == []
    finally:
        connection.close()


def _decide_in_process(bench: StreamBench, payloads: list[Payload]) -> Iterator[Vectors]:
    """The vectors that the use case published, in the order of the payloads."""
    client = redis.Redis.from_url(urlunsplit(urlsplit(bench.redis_url)._replace(path="/1")))
    store = RedisStateStore(client)
    policy_file = ROOT / "fraud_prevention" / "policy" / "rules.yaml"
    brain = load_brain(ModelSettings(directory=bench.stack.place.models, policy_file=policy_file))
    limits = DecideLimits(ack_timeout_s=5, in_flight_wait_s=5)
    bounds = TimeBounds(0, 0, is_enforced=False)
    for start in range(0, len(payloads), ABSORB_EVERY):
        block = payloads[start : start + ABSORB_EVERY]
        broker = MemoryBroker({spec.name: 1 for spec in TOPICS}, lambda: 0)  # one a block: it keeps all it is given
        answers = RedisAnswerStore(client, Lifetimes(10_000, 60_000))
        needs = Dependencies(
            SystemClock(), MemoryLog(broker), answers, store, brain.kernel, brain.scorer, brain.policy, None
        )
        decide = DecideTransaction(needs, bounds, limits, "parity")
        for payload in block:
            decide(payload)
        (partition,) = broker.partitions(FEATURES)
        for record in broker.records(partition):
            yield np.array(orjson.loads(record.value or b"")["vector"])
        _absorb(store, block, start)


def _absorb(store: RedisStateStore, block: list[Payload], start: int) -> None:
    """Take a block into the records, as the stream does with a batch."""
    table = as_table(block)
    customers, names = index_customers(table)
    events = encode_table(table, np.arange(start, start + len(block)))
    span = BatchSpan(1, 0, start, start + len(block) - 1)
    _, records = compute_batch(events, customers, names, store.read(names), span)
    store.write(names, records, span)
