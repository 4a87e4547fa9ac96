"""Replay, stream and API give the same vectors, bit for bit, whatever happens to the stream in between.

The first events are decided over HTTP, one after the other, each when the stream has taken in the one before; the rest is
decided by the stream, which is killed in the middle. Then all of them go through the decide use case in this process, on
real Redis, with records that take in each event as the stream would. A replay that cuts the log where the stream did is
what all are held against.
"""

from __future__ import annotations

import http.client
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import orjson
import pytest
import redis
from numpy.typing import NDArray

from config import ROOT, ModelSettings
from fraud_prevention.bootstrap import load_brain
from fraud_prevention.clock import SystemClock
from fraud_prevention.domain.topics import DECISIONS, FEATURES, TOPICS
from fraud_prevention.domain.transaction import TimeBounds
from fraud_prevention.usecases.decide import DecideLimits, DecideTransaction, Dependencies
from model.features.catalogue import FEATURE_COUNT, FEATURE_NAMES
from model.features.codes import encode_table, entity_codes, index_customers
from model.features.engine import BatchSpan, compute_batch
from model.features.entities.merge import REPORT, PlanSpan, meetings_of, merge, touched
from model.features.entities.record import pack
from model.features.replay_engines import Replay
from storage_security.kafka.memory_log import MemoryBroker, MemoryLog
from storage_security.redis.customer_store import RedisCustomerStore
from storage_security.redis.entity_store import RedisEntityStore
from storage_security.redis.idempotency import Lifetimes, RedisAnswerStore
from storage_security.redis.state_store import RedisStateStore
from tests.fixtures.cuts import Logged, cuts_of, replay_by_cuts
from tests.fixtures.events import as_table, transactions
from tests.fixtures.stream import StreamBench

BLOCK = 5_000
SHUFFLED_BLOCK = 40
Payload = dict[str, Any]
Vectors = NDArray[np.float64]


class Size(NamedTuple):
    """Events in all, how many of them over HTTP and in process, and how often the stream is killed."""

    events: int
    over_http: int
    kills: int
    in_process: int


@pytest.mark.integration
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize(
    ("runner", "servers", "size"),
    [
        pytest.param("lite", "server", Size(12_000, 200, 1, 12_000), id="quick"),
        pytest.param("lite", "cluster", Size(12_000, 200, 2, 0), id="quick-cluster"),
        pytest.param("lite", "server", Size(1_000_000, 5_000, 5, 200_000), id="full-lite", marks=pytest.mark.slow),
        pytest.param("spark", "server", Size(200_000, 100, 5, 0), id="full-spark", marks=pytest.mark.slow),
    ],
    indirect=["runner", "servers"],
)
def test_replay_stream_and_api_agree(
    runner: str, parity_bench: StreamBench, report: Callable[[dict[str, Any]], None], size: Size
) -> None:
    events, over_http = size.events, size.over_http
    payloads = transactions(events, customers=events // 70, seed=31, mean_gap_ms=6_000_000_000 // events, terminals=40)
    first = [p["transaction_id"] for p in payloads[:over_http]]

    _decide_over_http(parity_bench, payloads[:over_http])
    rest = _in_disorder(payloads[over_http:])
    sent = over_http + len(rest)
    parity_bench.send((p["customer_id"], orjson.dumps(p)) for p in rest)
    for number in range(1, size.kills + 1):
        enough = over_http + (events - over_http) * number // (size.kills + 2)
        parity_bench.wait_until(partial(_holds, parity_bench, enough), "the moment of the kill")
        _kill(parity_bench, number, runner)
        parity_bench.start()
    parity_bench.wait_until(lambda: parity_bench.taken_in() >= sent, "every event")
    parity_bench.wait_until(lambda: parity_bench.count(FEATURES) >= events, "every vector")
    served = {i: found[0] for i, found in parity_bench.read(FEATURES).items()}
    assert {served[i]["decided_by"] for i in first} == {"api"}
    assert {served[p["transaction_id"]]["decided_by"] for p in payloads[over_http:]} == {"stream"}
    cuts = cuts_of(found[0] for found in parity_bench.read(DECISIONS).values())
    expected = replay_by_cuts(parity_bench.transactions(), first, cuts)
    ids = [p["transaction_id"] for p in payloads]
    live = np.array([served[i]["vector"] for i in ids])
    worst = {"http and stream": _worst(live, np.array([expected[i] for i in ids]))}
    compared = live.size
    if size.in_process:
        one_by_one = payloads[: size.in_process]
        found = np.array(list(_decide_in_process(parity_bench, one_by_one)))
        by_one = replay_by_cuts([Logged(0, i, p) for i, p in enumerate(one_by_one)], ids[: size.in_process], [])
        worst["api in process"] = _worst(found, np.array([by_one[i] for i in ids[: size.in_process]]))
        compared += found.size
    report(
        {
            "runner": runner,
            "events": events,
            "features": FEATURE_COUNT,
            "compared": int(compared),
            "max_abs_diff": max(difference for difference, _ in worst.values()),
            "restarts": size.kills,
            "over_http": over_http,
        }
    )
    assert set(worst.values()) == {(0.0, ())}


def _kill(bench: StreamBench, number: int, runner: str) -> None:
    """The store, a worker (there is one only under Spark) and the driver with all that it started, in turn."""
    if number % 3 == 1:
        bench.kill_redis()
    elif number % 3 == 2 and runner == "spark":
        bench.kill_worker()
    else:
        bench.kill()


def _in_disorder(payloads: list[Payload]) -> list[Payload]:
    """Blocks of the log, each in an order of its own and with one event twice; what is late by days stays so."""
    rng = random.Random(17)
    found: list[Payload] = []
    for start in range(0, len(payloads), SHUFFLED_BLOCK):
        block = payloads[start : start + SHUFFLED_BLOCK]
        found += [*rng.sample(block, len(block)), rng.choice(block)]
    return found


def _worst(found: Vectors, expected: Vectors) -> tuple[float, tuple[str, ...]]:
    difference = np.abs(found - expected).max(axis=0)
    return float(difference.max()), tuple(FEATURE_NAMES[i] for i in np.flatnonzero(difference))


def _holds(bench: StreamBench, least: int) -> bool:
    return bench.count(DECISIONS) >= least


def _covers(bench: StreamBench, least: int) -> bool:
    return bench.taken_in() >= least


def _decide_over_http(bench: StreamBench, payloads: list[Payload]) -> None:
    for number, payload in enumerate(payloads):
        bench.wait_until(partial(_covers, bench, number), "the stream's taking in the last one", 0.002)
        connection = http.client.HTTPConnection("127.0.0.1", bench.stack.ports()["decision-api"], timeout=30)
        try:
            connection.request("POST", "/v1/decisions", orjson.dumps(payload), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 200, content
            assert orjson.loads(content)["degraded"] == []
        finally:
            connection.close()


def _decide_in_process(bench: StreamBench, payloads: list[Payload]) -> Iterator[Vectors]:
    """The vectors that the use case published, in the order of the payloads."""
    client = redis.Redis.from_url(urlunsplit(urlsplit(bench.redis.url)._replace(path="/1")))
    store = RedisStateStore(client)
    policy_file = ROOT / "fraud_prevention" / "policy" / "rules.yaml"
    brain = load_brain(ModelSettings(directory=bench.stack.place.models, policy_file=policy_file))
    limits = DecideLimits(ack_timeout_s=5, in_flight_wait_s=5)
    bounds = TimeBounds(0, 0, is_enforced=False)
    absorb = EntityAbsorber(RedisEntityStore(client), payloads)
    for start in range(0, len(payloads), BLOCK):
        block = payloads[start : start + BLOCK]
        broker = MemoryBroker({spec.name: 1 for spec in TOPICS}, lambda: 0)  # one a block: it keeps all it is given
        answers = RedisAnswerStore(client, Lifetimes(10_000, 60_000))
        needs = Dependencies(
            SystemClock(), MemoryLog(broker), answers, store, brain.kernel, brain.scorer, brain.policy, None
        )
        decide = DecideTransaction(needs, bounds, limits, "parity")
        for number, payload in enumerate(block, start):
            decide(payload)
            absorb(number)
        (partition,) = broker.partitions(FEATURES)
        for record in broker.records(partition):
            yield np.array(orjson.loads(record.value or b"")["vector"])
        _absorb(RedisCustomerStore(client), block, start)


class EntityAbsorber:
    """Takes one event after the other into the records of merchants and the like, each as a plan of its own."""

    def __init__(self, store: RedisEntityStore, payloads: list[Payload]) -> None:
        self._store = store
        table = as_table(payloads)
        self._events = encode_table(table, np.arange(len(payloads)))
        self._codes = entity_codes(table)
        self._explained = Replay().add(table).explained

    def __call__(self, number: int) -> None:
        one = slice(number, number + 1)
        met = meetings_of(self._events[one], self._codes[one], self._explained[one], np.ones(1, np.bool_))
        nothing = np.zeros(0, REPORT)
        target = touched(met, nothing)
        keys = self._store.keys(target.codes, target.kinds)
        records = merge(self._store.read(keys), target, met, nothing, PlanSpan(1, number, number + 1))
        self._store.load(keys, pack(records))


def _absorb(store: RedisCustomerStore, block: list[Payload], start: int) -> None:
    """Take a block into the customers' records, as the stream does with a batch."""
    table = as_table(block)
    customers, names = index_customers(table)
    events = encode_table(table, np.arange(start, start + len(block)))
    span = BatchSpan(1, 0, start, start + len(block), start)
    keys = store.keys(names)
    _, records = compute_batch(events, customers, names, store.read(keys), span)
    store.load(keys, records)
