"""The log is followed in batches of any size, and recomputed as one replay in the order of time would."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import orjson
import pytest

from data_pipeline.skew.follow import Follower
from data_pipeline.skew.meter import SkewMeter
from data_pipeline.skew.metrics import SkewCollector
from data_pipeline.skew.recompute import Recompute
from data_pipeline.stream.plan import INPUTS
from fraud_prevention.domain.errors import OffsetLost, Unavailable
from fraud_prevention.domain.topics import AUTHORISATIONS, FEATURES, LABELS, TRANSACTIONS
from fraud_prevention.domain.transaction import TimeBounds
from model.features.catalogue import CATALOGUE_VERSION, FEATURE_NAMES, index_of
from model.features.replay import replay_chunks
from model.features.replay_engines import Replay
from model.features.side import side_of
from tests.fixtures.events import as_table, transactions
from tests.fixtures.sided import answers_table, labels_table, side_payloads
from tests.fixtures.stream_runs import Message

PARTITIONS = 3
Place = tuple[str, int]
Payload = dict[str, Any]


class Log:
    """Topics in memory."""

    def __init__(self) -> None:
        self.held: dict[Place, list[Message]] = {(t, p): [] for t in (*INPUTS, FEATURES) for p in range(PARTITIONS)}
        self.is_down = False

    def send(self, topic: str, payload: Payload) -> None:
        """Append, by customer."""
        key = payload["customer_id"].encode()
        place = (topic, zlib.crc32(key) % PARTITIONS)
        self.held[place].append(Message(*place, len(self.held[place]), key, orjson.dumps(payload)))

    def read(self, ranges: Mapping[Place, tuple[int, int]]) -> dict[Place, list[Message]]:
        if self.is_down:
            raise Unavailable("kafka", "down")
        return {place: self.held[place][start:end] for place, (start, end) in ranges.items()}


class Extent:
    """How far some topics of the log go."""

    def __init__(self, log: Log, topics: tuple[str, ...]) -> None:
        self._log, self._topics = log, topics

    def starts(self) -> dict[str, list[int]]:
        return {topic: [0] * PARTITIONS for topic in self._topics}

    def ends(self) -> dict[str, list[int]]:
        return {topic: [len(self._log.held[topic, p]) for p in range(PARTITIONS)] for topic in self._topics}


def follower_of(log: Log, at_once: int = 2_000, share: float = 1.0, engine: Replay | None = None) -> Follower:
    return Follower(
        log,
        Extent(log, INPUTS),
        Extent(log, (FEATURES,)),
        Recompute(engine or Replay()),
        SkewMeter(share, 2_000),
        TimeBounds(0, 0, is_enforced=False),
        at_once,
    )


def served(payload: Payload, vector: Any, by: str = "stream") -> Payload:
    told = {name: payload[name] for name in ("transaction_id", "customer_id", "event_time")}
    return told | {"catalogue_version": CATALOGUE_VERSION, "decided_by": by, "vector": vector.tolist()}


@pytest.fixture(scope="module")
def world() -> tuple[list[Payload], list[Payload], list[Payload], Any]:
    """Transactions in the order of time, several within five seconds; labels, answers; vectors of all of them."""
    payloads = transactions(600, customers=12, seed=3, late_share=0, mean_gap_ms=3_000, terminals=5)
    labels, answers = side_payloads(payloads, seed=3, delay_ms=20_000)
    side = side_of(labels_table(labels), answers_table(answers))
    vectors = np.concatenate([part for _, part in replay_chunks(Replay(), as_table(payloads), side=side)])
    assert vectors[:, index_of("customer_known_fraud_count_30d")].any()
    assert vectors[:, index_of("customer_decline_count_24h")].any()
    return payloads, labels, answers, vectors


@pytest.fixture
def log(world: tuple[list[Payload], list[Payload], list[Payload], Any]) -> Log:
    payloads, labels, answers, vectors = world
    log = Log()
    for topic, rows in ((TRANSACTIONS, payloads), (LABELS, labels), (AUTHORISATIONS, answers)):
        for row in rows:
            log.send(topic, row)
    for payload, vector in zip(payloads, vectors, strict=True):
        log.send(FEATURES, served(payload, vector))
    return log


@pytest.mark.parametrize("at_once", [7, 50, 2_000])
def test_what_was_served_is_recomputed_whatever_is_read_together(log: Log, at_once: int) -> None:
    follower = follower_of(log, at_once)
    follower.catch_up(lambda: True)
    follower.meter.close()
    assert follower.meter.tally.summary() == {
        "compared": 600,
        "mismatched_vectors": 0,
        "features": {},
        "unmatched": {},
    }
    assert set(follower.lag.values()) == {0}


def test_what_comes_later_goes_on_from_there(log: Log) -> None:
    whole = log.held
    log.held = {place: rows[: len(rows) // 2] for place, rows in whole.items()}
    follower = follower_of(log)
    follower.catch_up(lambda: True)
    before = sum(follower.meter.tally.compared.values())
    log.held = whole
    follower.catch_up(lambda: True)
    assert 0 < before < 600
    assert follower.meter.tally.compared == {"stream": 600, "api": 0}


def test_bad_repeated_and_contradicting_records_change_nothing(
    world: tuple[list[Payload], list[Payload], list[Payload], Any], log: Log
) -> None:
    payloads = world[0]
    for payload in payloads[::50]:
        log.send(TRANSACTIONS, payload)
        log.send(TRANSACTIONS, {**payload, "amount_minor": 3, "amount_base_minor": 3})
        log.send(TRANSACTIONS, {**payload, "mcc": 1})
        log.send(LABELS, {"customer_id": payload["customer_id"]})
    follower = follower_of(log)
    follower.catch_up(lambda: True)
    assert follower.meter.tally.compared["stream"] == 600
    assert follower.meter.tally.mismatched_vectors == 0


def test_the_history_of_a_rebuild_is_where_it_begins(
    world: tuple[list[Payload], list[Payload], list[Payload], Any],
) -> None:
    payloads = world[0]
    vectors = Replay().add(as_table(payloads)).vectors
    log = Log()
    for payload, vector in zip(payloads[300:], vectors[300:], strict=True):
        log.send(TRANSACTIONS, payload)
        log.send(FEATURES, served(payload, vector, "api"))
    engine = Replay()
    engine.add(as_table(payloads[:300]))
    follower = follower_of(log, engine=engine)
    follower.catch_up(lambda: True)
    assert follower.meter.tally.compared == {"stream": 0, "api": 300}
    assert follower.meter.tally.mismatched_vectors == 0
    without = follower_of(log)
    without.catch_up(lambda: True)
    assert without.meter.tally.mismatched_vectors > 0


def test_it_stops_between_batches(log: Log) -> None:
    follower = follower_of(log, at_once=5)
    answers = iter([True, True, False])
    follower.catch_up(lambda: next(answers))
    assert 0 < follower.lag[TRANSACTIONS] < 600
    follower.catch_up(lambda: True)
    assert follower.meter.tally.compared["stream"] == 600


def test_a_log_that_did_not_answer_is_read_again(log: Log) -> None:
    follower = follower_of(log)
    log.is_down = True
    with pytest.raises(Unavailable):
        follower.catch_up(lambda: True)
    log.is_down = False
    follower.catch_up(lambda: True)
    assert follower.meter.tally.compared["stream"] == 600


def test_a_log_that_was_made_anew_ends_it(log: Log) -> None:
    follower = follower_of(log)
    follower.catch_up(lambda: True)
    log.held = Log().held
    with pytest.raises(OffsetLost):
        follower.catch_up(lambda: True)


def test_every_series_is_there_before_anything_was_compared() -> None:
    families = {family.name: family for family in SkewCollector(follower_of(Log())).collect()}
    names = {"fraud_skew_vectors_compared", "fraud_skew_feature_mismatches", "fraud_skew_vectors_unmatched"}
    assert families.keys() == names | {"fraud_skew_lag_records"}
    mismatches = cast("Any", families["fraud_skew_feature_mismatches"]).samples
    assert {sample.name for sample in mismatches} == {"fraud_skew_feature_mismatches_total"}
    assert {(s.labels["feature"], s.labels["decided_by"]) for s in mismatches} == {
        (name, by) for name in FEATURE_NAMES for by in ("stream", "api")
    }
    assert all(sample.value == 0 for family in families.values() for sample in family.samples)
