"""Finds dead letters on the log. A letter is known by the place of the record that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from data_pipeline.contract.check import check_payload
from fraud_prevention.domain.errors import FieldError, NotFound
from fraud_prevention.domain.topics import INPUTS, dead_letter_topic
from fraud_prevention.ports import OFFSET_BEGINNING, EventReader, Record, TopicPartition

BATCH: Final = 5_000
QUIET_S: Final = 3.0  # a log that gives nothing for so long has been read to its end


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter; `payload` is None where the record is held by reference only."""

    topic: str
    partition: int
    offset: int
    reason: str
    errors: tuple[FieldError, ...]
    key: str | None
    payload: str | None
    at_ms: int

    @property
    def place(self) -> tuple[str, int, int]:
        """Where the refused record stands."""
        return self.topic, self.partition, self.offset


def read_to_end(reader: EventReader, topic: str) -> Iterator[Record]:
    """Every record that the topic holds, partitions interleaved; ends when nothing comes for three seconds."""
    reader.assign(dict.fromkeys(reader.partitions(topic), OFFSET_BEGINNING))
    while batch := reader.poll_batch(BATCH, QUIET_S):
        yield from batch


def letters(reader: EventReader, inputs: Sequence[str] = INPUTS) -> list[Letter]:
    """All letters of the input topics, oldest first; one that was written twice counts once."""
    found: dict[tuple[str, int, int], Letter] = {}
    for topic in inputs:
        for record in read_to_end(reader, dead_letter_topic(topic)):
            letter = _letter(orjson.loads(record.value or b"{}"))
            found.setdefault(letter.place, letter)
    return sorted(found.values(), key=lambda letter: (letter.at_ms, letter.place))


def find_letter(reader: EventReader, topic: str, partition: int, offset: int) -> Letter:
    """The letter about one record. Raises NotFound."""
    for letter in letters(reader, [topic]):
        if letter.place == (topic, partition, offset):
            return letter
    raise NotFound("dead letter", f"{topic} {partition} {offset}")


def original(reader: EventReader, letter: Letter) -> Record:
    """The refused record itself, byte for byte. Raises NotFound where it is past retention."""
    place = TopicPartition(letter.topic, letter.partition)
    reader.assign({place: letter.offset})
    for record in reader.poll_batch(1, QUIET_S):
        if record.offset == letter.offset:
            return record
    raise NotFound("record", f"{letter.topic} {letter.partition} {letter.offset}")


def remaining_errors(letter: Letter, body: bytes) -> tuple[dict[str, Any] | None, list[FieldError]]:
    """The decoded body and what still breaks the contract in it."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return None, [FieldError("$", "not_json", str(error))]
    errors = check_payload(letter.topic, payload)
    return (payload if isinstance(payload, dict) else None), errors


def _letter(payload: dict[str, Any]) -> Letter:
    return Letter(
        topic=payload["topic"],
        partition=payload["partition"],
        offset=payload["offset"],
        reason=payload["reason"],
        errors=tuple(FieldError(**error) for error in payload["errors"]),
        key=payload.get("key"),
        payload=payload.get("payload"),
        at_ms=payload["at"],
    )
