"""Dead letters are found, counted and replayed where they would be let in; decisions are read back from the log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import orjson
import pytest

from data_pipeline.contract.load import load_examples
from data_pipeline.deadletter.gate import Gate
from data_pipeline.deadletter.letters import Letter, find_letter, letters, survey
from data_pipeline.deadletter.replay import Replayed, replay
from data_pipeline.history.live import read_decisions
from data_pipeline.read_topic import read_to_end
from fraud_prevention.domain import topics
from fraud_prevention.domain.dead_letter import dead_letter
from fraud_prevention.domain.errors import FieldError, HistoryUnusable, NotFound, Unavailable
from fraud_prevention.domain.transaction import TimeBounds
from fraud_prevention.ports import OFFSET_BEGINNING, AckCallback, Extent, Record, TopicPartition
from storage_security.kafka.memory_log import MemoryBroker, MemoryLog, MemoryReader

GOOD = next(e.payload for e in load_examples(topics.TRANSACTIONS) if e.field is None)
GOOD_LABEL = next(e.payload for e in load_examples(topics.LABELS) if e.field is None)
WRONG = FieldError("amount_minor", "wrong_type", "must be an integer")
MINUTE_MS = 60_000
BOUNDS = TimeBounds(max_future_ms=5 * MINUTE_MS, max_age_ms=60 * MINUTE_MS)


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker({spec.name: 3 for spec in topics.TOPICS}, now_ms=lambda: 0)


def _gate(after_ms: int = 0) -> Gate:
    """The gate so long after the good transaction has happened."""
    return Gate(BOUNDS, lambda: GOOD["event_time"] + after_ms)


def _records(broker: MemoryBroker, topic: str) -> list[bytes]:
    reader = MemoryReader(broker)
    reader.assign(dict.fromkeys(reader.partitions(topic), OFFSET_BEGINNING))
    return [record.value or b"" for record in reader.poll_batch(1_000, 0.01)]


def _refuse(
    broker: MemoryBroker, body: bytes, at_ms: int = 1, error: FieldError = WRONG, topic: str = topics.TRANSACTIONS
) -> tuple[str, int, int]:
    """Put a bad record on a topic and its letter beside it; returns its place."""
    log = MemoryLog(broker)
    log.publish(topic, b"c1", body)
    place = next(
        (part.partition, record.offset)
        for part in broker.partitions(topic)
        for record in broker.records(part)
        if record.value == body
    )
    letter = dead_letter(
        [error], topic=topic, partition=place[0], offset=place[1], key=b"c1", payload=body, at_ms=at_ms
    )
    log.publish(topics.dead_letter_topic(topic), b"c1", orjson.dumps(letter))
    return (topic, *place)


def _replay(
    broker: MemoryBroker, gate: Gate, repaired: bytes | None = None, **options: Any
) -> tuple[Replayed, list[FieldError]]:
    """Replay every letter with its own or the repaired body; what came of it, and all that was refused."""
    refused: list[FieldError] = []
    chosen = ((x, x.body if repaired is None else repaired) for x in letters(MemoryReader(broker)))
    log = options.pop("log", MemoryLog(broker))
    return replay(log, chosen, gate, lambda _letter, errors: refused.extend(errors), **options), refused


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


def test_a_survey_counts_all_letters_and_keeps_the_latest_without_what_they_quote(broker: MemoryBroker) -> None:
    for number in (3, 1, 4, 2):
        _refuse(broker, b"%d" % number, at_ms=number)
    _refuse(broker, b"{}", at_ms=5, topic=topics.LABELS, error=FieldError("label_id", "missing", "is required"))
    found = survey(letters(MemoryReader(broker)), 3)
    assert found.reasons == {"wrong_type": 4, "missing": 1}
    assert [letter.at_ms for letter in found.latest] == [3, 4, 5]
    assert {letter.payload for letter in found.latest} == {None}


def test_a_repaired_record_goes_back_to_its_topic_under_its_key(broker: MemoryBroker) -> None:
    _refuse(broker, orjson.dumps({**GOOD, "amount_minor": "5000"}))
    repaired = orjson.dumps(GOOD)
    assert _replay(broker, _gate(), repaired) == (Replayed(1, 0, 0, None), [])
    assert repaired in _records(broker, topics.TRANSACTIONS)


def test_a_record_that_is_still_wrong_is_not_sent(broker: MemoryBroker) -> None:
    _refuse(broker, orjson.dumps({**GOOD, "amount_minor": "5000"}))
    done, refused = _replay(broker, _gate())
    assert (done.sent, done.refused) == (0, 1)
    assert [error.field for error in refused] == ["amount_minor"]
    assert len(_records(broker, topics.TRANSACTIONS)) == 1


def test_a_record_that_would_be_let_in_by_now_is_sent_as_it_was(broker: MemoryBroker) -> None:
    body = json.dumps(GOOD).encode()  # with spaces: byte for byte means these too
    _refuse(broker, body, error=FieldError("event_time", "in_future", "is ahead"))
    assert _replay(broker, _gate(-6 * MINUTE_MS))[0].refused == 1
    assert _replay(broker, _gate(), is_dry=True)[0].sent == 1
    assert len(_records(broker, topics.TRANSACTIONS)) == 1
    assert _replay(broker, _gate())[0].sent == 1
    assert _records(broker, topics.TRANSACTIONS) == [body, body]


def test_a_record_that_the_stream_would_refuse_again_is_not_sent(broker: MemoryBroker) -> None:
    _refuse(broker, orjson.dumps(GOOD), error=FieldError("event_time", "too_old", "is behind"))
    done, refused = _replay(broker, _gate(61 * MINUTE_MS))
    assert (done.sent, [error.code for error in refused]) == (0, ["too_old"])


def test_a_duplicate_is_sent_only_under_another_id(broker: MemoryBroker) -> None:
    _refuse(broker, orjson.dumps(GOOD), error=FieldError("transaction_id", "duplicate_id", "was used before"))
    for repaired in (None, orjson.dumps({**GOOD, "amount_minor": 7})):
        done, refused = _replay(broker, _gate(), repaired)
        assert (done.sent, [error.code for error in refused]) == (0, ["duplicate_id"])
    assert _replay(broker, _gate(), orjson.dumps({**GOOD, "transaction_id": "another"}))[0].sent == 1


def test_records_of_other_topics_are_judged_by_the_sink_that_refused_them(broker: MemoryBroker) -> None:
    missing = FieldError("label_id", "missing", "is required")
    _refuse(broker, orjson.dumps(GOOD_LABEL), topic=topics.LABELS, error=missing)
    _refuse(broker, orjson.dumps({**GOOD_LABEL, "source": "nobody"}), topic=topics.LABELS, error=missing)
    _refuse(broker, b" " * topics.INLINE_PAYLOAD_BYTES + b"{}", topic=topics.LABELS, error=missing)
    done, refused = _replay(broker, _gate())
    assert (done.sent, done.refused) == (1, 2)
    assert [error.code for error in refused] == ["unknown_value", "missing"]  # the last one is held by reference only


class Failing(MemoryLog):
    """A log whose broker loses every second record."""

    _sent = 0

    def publish(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Sequence[tuple[str, bytes]] | None = None,
        on_ack: AckCallback | None = None,
    ) -> None:
        self._sent += 1
        if self._sent % 2 == 0 and on_ack is not None:
            on_ack(Unavailable("kafka", "gone"))
        else:
            super().publish(topic, key, value, headers, on_ack)


def test_what_was_not_delivered_is_no_success(broker: MemoryBroker) -> None:
    for number in range(4):
        _refuse(broker, orjson.dumps({**GOOD, "transaction_id": f"t{number}"}))
    assert _replay(broker, _gate(), log=Failing(broker))[0] == Replayed(2, 0, 2, "kafka is unavailable: gone")


def test_a_log_that_cannot_be_read_on_leaves_a_tally(broker: MemoryBroker) -> None:
    _refuse(broker, orjson.dumps(GOOD))

    def stopping() -> Iterable[tuple[Letter, bytes | None]]:
        for letter in letters(MemoryReader(broker)):
            yield letter, letter.body
        raise Unavailable("kafka", "silent")

    done = replay(MemoryLog(broker), stopping(), _gate(), lambda _letter, _errors: None)
    assert done == Replayed(1, 0, 0, "kafka is unavailable: silent")


class Slow(MemoryReader):
    """A reader whose broker says nothing for a while, again and again."""

    silent_polls = 3

    def poll_batch(self, max_records: int, timeout_s: float) -> list[Record]:
        if self.silent_polls:
            self.silent_polls -= 1
            return []
        self.silent_polls = 3
        return super().poll_batch(min(max_records, 2), timeout_s)


class Emptied(MemoryReader):
    """A reader of partitions whose first ten records are past retention."""

    def extents(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Extent]:
        return dict.fromkeys(partitions, Extent(10, 10))


def test_silence_is_not_the_end_of_a_topic(broker: MemoryBroker) -> None:
    for number in range(9):
        MemoryLog(broker).publish(topics.LABELS, b"c%d" % number, b"%d" % number)
    found = list(read_to_end(Slow(broker), topics.LABELS))
    assert sorted(record.value or b"" for record in found) == [b"%d" % number for number in range(9)]


def test_a_topic_that_stays_silent_before_its_end_is_unavailable(broker: MemoryBroker) -> None:
    MemoryLog(broker).publish(topics.LABELS, b"c1", b"{}")
    mute = Slow(broker)
    mute.silent_polls = 1_000_000
    with pytest.raises(Unavailable, match="before its end"):
        list(read_to_end(mute, topics.LABELS, silence_s=0.01))


def test_what_is_written_while_a_topic_is_read_is_left_out(broker: MemoryBroker) -> None:
    for _ in range(3):
        MemoryLog(broker).publish(topics.LABELS, b"c1", b"old")
    found = []
    for record in read_to_end(MemoryReader(broker), topics.LABELS):
        found.append(record.value)
        MemoryLog(broker).publish(topics.LABELS, b"c1", b"new")
    assert found == [b"old"] * 3


def test_an_empty_topic_has_no_end_to_wait_for(broker: MemoryBroker) -> None:
    assert list(read_to_end(MemoryReader(broker), topics.LABELS)) == []
    assert list(read_to_end(Emptied(broker), topics.LABELS)) == []


def _decide(broker: MemoryBroker, name: str, event_time: int, catalogue: str = "a1") -> None:
    key = {"transaction_id": name, "decision_version": 1, "customer_id": "c1", "event_time": event_time}
    log = MemoryLog(broker)
    log.publish(topics.DECISIONS, b"c1", orjson.dumps({**key, "risk_score": event_time / 100}))
    log.publish(
        topics.FEATURES, b"c1", orjson.dumps({**key, "catalogue_version": catalogue, "vector": [1.0, event_time]})
    )


def test_decisions_of_a_span_come_back_once_with_their_vectors(broker: MemoryBroker) -> None:
    for name, event_time in (("t3", 30), ("t1", 10), ("t1", 10), ("t2", 20)):
        _decide(broker, name, event_time)
    found = read_decisions(MemoryReader(broker), 10, 30)
    assert [d["transaction_id"] for d in found.decisions] == ["t1", "t2"]
    assert found.vectors.tolist() == [[1.0, 10.0], [1.0, 20.0]]
    assert found.column("risk_score").tolist() == [0.1, 0.2]
    assert found.catalogue_version == "a1"


def test_a_decision_without_a_vector_has_a_row_of_its_own(broker: MemoryBroker) -> None:
    _decide(broker, "t1", 10)
    MemoryLog(broker).publish(
        topics.DECISIONS, b"c1", orjson.dumps({"transaction_id": "t0", "decision_version": 1, "event_time": 9})
    )
    found = read_decisions(MemoryReader(broker), 0, 99)
    assert np.isnan(found.vectors[0]).all()
    assert not np.isnan(found.vectors[1]).any()


def test_vectors_of_two_catalogues_are_not_mixed(broker: MemoryBroker) -> None:
    _decide(broker, "t1", 10)
    _decide(broker, "t2", 20, catalogue="b2")
    with pytest.raises(HistoryUnusable, match="a1, b2"):
        read_decisions(MemoryReader(broker), 0, 99)
