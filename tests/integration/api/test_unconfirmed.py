"""A decision that Kafka did not acknowledge in time: the caller is refused, and a retry gets that very decision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import redis

from fraud_prevention.bootstrap import Brain
from fraud_prevention.clock import SystemClock
from fraud_prevention.domain import topics
from fraud_prevention.domain.errors import IdempotencyConflict, NotFound, Unavailable
from fraud_prevention.usecases.answer import answer_of
from fraud_prevention.usecases.decide import DecideTransaction, Dependencies
from storage_security.kafka.memory_log import MemoryBroker
from storage_security.redis.idempotency import Lifetimes, RedisAnswerStore
from storage_security.redis.state_store import RedisStateStore, pending_key
from tests.fixtures.deciding import BOUNDS, LIMITS, SilentLog, new_broker, on_topic

Payload = dict[str, Any]
MakePayload = Callable[..., Payload]


@dataclass(slots=True)
class Scene:
    """The use case on a real Redis and on a log whose acknowledgements can be held back."""

    decide: DecideTransaction
    log: SilentLog
    broker: MemoryBroker
    client: redis.Redis

    def refuse(self, payload: Payload) -> None:
        """One attempt that nobody acknowledges."""
        self.log.is_silent = True
        with pytest.raises(Unavailable):
            self.decide(payload)
        self.log.is_silent = False

    def values(self, topic: str, payload: Payload) -> list[bytes]:
        """What stands on the topic about a transaction."""
        wanted = payload["transaction_id"]
        return [v for v in on_topic(self.broker, topic) if orjson.loads(v)["transaction_id"] == wanted]

    def count_5m(self, payload: Payload) -> float:
        """card_txn_count_5m of a transaction that has been decided."""
        return float(orjson.loads(self.values(topics.FEATURES, payload)[-1])["vector"][0])


@pytest.fixture
def scene(brain: Brain, redis_url: str) -> Iterator[Scene]:
    broker = new_broker()
    event_log = SilentLog(broker)
    event_log.is_silent = False
    with redis.Redis.from_url(redis_url) as client:
        needs = Dependencies(
            SystemClock(),
            event_log,
            RedisAnswerStore(client, Lifetimes(10_000, 60_000)),
            RedisStateStore(client),
            brain.kernel,
            brain.scorer,
            brain.policy,
            None,
        )
        yield Scene(DecideTransaction(needs, BOUNDS, LIMITS, "test"), event_log, broker, client)


def test_retry_publishes_the_decision_of_the_first_attempt_to_the_byte(scene: Scene, make_payload: MakePayload) -> None:
    payload = make_payload(amount_minor=400_000)  # a large one, so that there is an alert, too
    scene.refuse(payload)
    with pytest.raises(NotFound):
        scene.decide.find(payload["transaction_id"])
    for _ in range(3):
        scene.decide(make_payload())  # what the customer did meanwhile would make another decision
    answer = scene.decide(payload)
    for topic in (topics.DECISIONS, topics.FEATURES, topics.ALERTS):
        first, second = scene.values(topic, payload)
        assert first == second
    assert answer.body == answer_of(orjson.loads(scene.values(topics.DECISIONS, payload)[0]))
    assert len(scene.values(topics.TRANSACTIONS, payload)) == 1
    assert scene.decide(payload).body == scene.decide.find(payload["transaction_id"]) == answer.body


def test_retry_that_is_refused_as_well_changes_nothing(scene: Scene, make_payload: MakePayload) -> None:
    payload = make_payload()
    scene.refuse(payload)
    scene.decide(make_payload())
    scene.refuse(payload)
    scene.decide(payload)
    assert len(set(scene.values(topics.DECISIONS, payload))) == 1


def test_id_that_may_have_been_recorded_is_refused_with_another_body(scene: Scene, make_payload: MakePayload) -> None:
    payload = make_payload()
    scene.refuse(payload)
    with pytest.raises(IdempotencyConflict):
        scene.decide({**payload, "amount_minor": 1})
    scene.decide(payload)


def test_attempts_that_were_given_up_do_not_count_as_payments(scene: Scene, make_payload: MakePayload) -> None:
    for _ in range(5):
        scene.refuse(make_payload())
    good = make_payload()
    answer = scene.decide(good)
    assert orjson.loads(answer.body)["rule_hits"] == []
    assert scene.count_5m(good) == 0.0
    assert scene.client.llen(pending_key(good["customer_id"])) == 1


def test_confirmed_retry_counts_for_the_next_payment(scene: Scene, make_payload: MakePayload) -> None:
    first, second = make_payload(), make_payload()
    scene.refuse(first)
    scene.decide(first)
    scene.decide(second)
    assert scene.count_5m(second) == 1.0
