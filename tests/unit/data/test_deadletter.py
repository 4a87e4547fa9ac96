"""Dead letters are found, shown and replayed after repair; decisions are read back from the log."""

from __future__ import annotations

import json

import numpy as np
import orjson
import pytest

from data_pipeline.contract.load import load_examples
from data_pipeline.deadletter import letters as post
from data_pipeline.deadletter.letters import find_letter, letters
from data_pipeline.deadletter.replay import replay
from data_pipeline.history import live
from data_pipeline.history.live import read_decisions
from fraud_prevention.domain import topics
from fraud_prevention.domain.dead_letter import dead_letter
from fraud_prevention.domain.errors import FieldError, HistoryUnusable, NotFound
from fraud_prevention.ports import OFFSET_BEGINNING, EventReader
from storage_security.kafka.memory_log import MemoryBroker, MemoryLog, MemoryReader
from storage_security.kafka.reader import UniqueReader

GOOD = next(e.payload for e in load_examples(topics.TRANSACTIONS) if e.field is None)
WRONG = FieldError("amount_minor", "wrong_type", "must be an integer")


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> MemoryBroker:
    monkeypatch.setattr(post, "QUIET_S", 0.01)
    monkeypatch.setattr(live, "QUIET_S", 0.01)
    return MemoryBroker({spec.name: 3 for spec in topics.TOPICS}, now_ms=lambda: 0)


def _records(broker: MemoryBroker, topic: str) -> list[bytes]:
    reader = MemoryReader(broker)
    reader.assign(dict.fromkeys(reader.partitions(topic), OFFSET_BEGINNING))
    return [record.value or b"" for record in reader.poll_batch(1_000, 0.01)]


def _refuse(broker: MemoryBroker, body: bytes, at_ms: int = 1) -> tuple[str, int, int]:
    """Put a bad record on transactions.v1 and its letter beside it; returns its place."""
    log = MemoryLog(broker)
    log.publish(topics.TRANSACTIONS, b"c1", body)
    place = next(
        (part.partition, record.offset)
        for part in broker.partitions(topics.TRANSACTIONS)
        for record in broker.records(part)
        if record.value == body
    )
    letter = dead_letter(
        [WRONG], topic=topics.TRANSACTIONS, partition=place[0], offset=place[1], key=b"c1", payload=body, at_ms=at_ms
    )
    log.publish(topics.dead_letter_topic(topics.TRANSACTIONS), b"c1", orjson.dumps(letter))
    return (topics.TRANSACTIONS, *place)


def test_a_letter_that_was_written_twice_counts_once(broker: MemoryBroker) -> None:
    place = _refuse(broker, b'{"amount_minor": "1"}')
    (written,) = _records(broker, "transactions.v1.dlq")
    MemoryLog(broker).publish("transactions.v1.dlq", b"c1", written)
    (letter,) = letters(MemoryReader(broker))
    assert letter.place == place
    assert letter.errors == (WRONG,)
    assert letter.payload == '{"amount_minor": "1"}'


def test_a_letter_that_is_not_there_is_said_to_be_missing(broker: MemoryBroker) -> None:
    with pytest.raises(NotFound):
        find_letter(MemoryReader(broker), topics.TRANSACTIONS, 0, 99)


def test_a_repaired_record_goes_back_to_its_topic_under_its_key(broker: MemoryBroker) -> None:
    place = _refuse(broker, orjson.dumps({**GOOD, "amount_minor": "5000"}))
    reader = MemoryReader(broker)
    repaired = orjson.dumps(GOOD)
    done = replay(reader, MemoryLog(broker), [find_letter(reader, *place)], repaired)
    assert (done.sent, done.refused, done.undelivered) == (1, (), 0)
    assert repaired in _records(broker, topics.TRANSACTIONS)


def test_a_record_that_is_still_wrong_is_not_sent(broker: MemoryBroker) -> None:
    _refuse(broker, orjson.dumps({**GOOD, "amount_minor": "5000"}))
    reader = MemoryReader(broker)
    done = replay(reader, MemoryLog(broker), letters(reader), None)
    assert done.sent == 0
    assert done.refused[0].errors[0].field == "amount_minor"
    assert len(_records(broker, topics.TRANSACTIONS)) == 1


def test_a_record_that_keeps_the_contract_by_now_is_sent_as_it_was(broker: MemoryBroker) -> None:
    body = json.dumps(GOOD).encode()  # with spaces: byte for byte means these too
    _refuse(broker, body)
    reader = MemoryReader(broker)
    assert replay(reader, MemoryLog(broker), letters(reader), None, is_dry=True).sent == 1
    assert len(_records(broker, topics.TRANSACTIONS)) == 1
    assert replay(reader, MemoryLog(broker), letters(reader), None).sent == 1
    assert _records(broker, topics.TRANSACTIONS) == [body, body]


def test_one_repaired_body_is_for_one_letter(broker: MemoryBroker) -> None:
    _refuse(broker, b"{}", at_ms=1)
    _refuse(broker, b"[]", at_ms=2)
    reader = MemoryReader(broker)
    with pytest.raises(ValueError, match="exactly one letter"):
        replay(reader, MemoryLog(broker), letters(reader), orjson.dumps(GOOD))


def _decide(broker: MemoryBroker, name: str, event_time: int, catalogue: str = "a1") -> None:
    key = {"transaction_id": name, "decision_version": 1, "customer_id": "c1", "event_time": event_time}
    log = MemoryLog(broker)
    log.publish(topics.DECISIONS, b"c1", orjson.dumps({**key, "risk_score": event_time / 100}))
    log.publish(
        topics.FEATURES, b"c1", orjson.dumps({**key, "catalogue_version": catalogue, "vector": [1.0, event_time]})
    )


def _once(reader: EventReader) -> UniqueReader:
    return UniqueReader(reader)


def test_decisions_of_a_span_come_back_once_with_their_vectors(broker: MemoryBroker) -> None:
    for name, event_time in (("t3", 30), ("t1", 10), ("t1", 10), ("t2", 20)):
        _decide(broker, name, event_time)
    found = read_decisions(MemoryReader(broker), _once, 10, 30)
    assert [d["transaction_id"] for d in found.decisions] == ["t1", "t2"]
    assert found.vectors.tolist() == [[1.0, 10.0], [1.0, 20.0]]
    assert found.column("risk_score").tolist() == [0.1, 0.2]
    assert found.catalogue_version == "a1"


def test_a_decision_without_a_vector_has_a_row_of_its_own(broker: MemoryBroker) -> None:
    _decide(broker, "t1", 10)
    MemoryLog(broker).publish(
        topics.DECISIONS, b"c1", orjson.dumps({"transaction_id": "t0", "decision_version": 1, "event_time": 9})
    )
    found = read_decisions(MemoryReader(broker), _once, 0, 99)
    assert np.isnan(found.vectors[0]).all()
    assert not np.isnan(found.vectors[1]).any()


def test_vectors_of_two_catalogues_are_not_mixed(broker: MemoryBroker) -> None:
    _decide(broker, "t1", 10)
    _decide(broker, "t2", 20, catalogue="b2")
    with pytest.raises(HistoryUnusable, match="a1, b2"):
        read_decisions(MemoryReader(broker), _once, 0, 99)
