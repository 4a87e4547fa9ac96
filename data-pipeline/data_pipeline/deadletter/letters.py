"""Finds dead letters on the log. A letter is known by the place of the record that it is about."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from data_pipeline.read_topic import read_to_end
from fraud_prevention.domain.errors import FieldError, NotFound
from fraud_prevention.domain.topics import INPUTS, dead_letter_topic
from fraud_prevention.ports import EventReader

REMEMBERED: Final = 200_000  # a writer that repeats a letter does so soon


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter; `payload` is None where the record was empty, or above 1 MB and held by reference only."""

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

    @property
    def body(self) -> bytes | None:
        """The refused record, byte for byte wherever it was UTF-8: other bytes are no JSON, escaped or not."""
        return None if self.payload is None else self.payload.encode()


@dataclass(frozen=True, slots=True)
class Survey:
    """How many letters there are of each reason, and the latest of them, oldest first, without their payloads."""

    reasons: Counter[str]
    latest: list[Letter]


def letters(reader: EventReader, inputs: Sequence[str] = INPUTS) -> Iterator[Letter]:
    """All letters of the input topics, one at a time; those of one customer are in the order of their writing.

    One that was written twice counts once. Takes the reader's assignment. Raises Unavailable.
    """
    seen: dict[tuple[str, int, int], None] = {}
    for topic in inputs:
        for record in read_to_end(reader, dead_letter_topic(topic)):
            letter = _letter(orjson.loads(record.value or b"{}"))
            if letter.place in seen:
                continue
            seen[letter.place] = None
            if len(seen) > REMEMBERED:
                del seen[next(iter(seen))]
            yield letter


def survey(found: Iterable[Letter], limit: int) -> Survey:
    """Count the letters and keep the latest `limit`."""
    reasons: Counter[str] = Counter()

    def counted() -> Iterator[Letter]:
        for letter in found:
            reasons[letter.reason] += 1
            yield replace(letter, payload=None)

    latest = heapq.nlargest(limit, counted(), key=lambda letter: (letter.at_ms, letter.place))
    return Survey(reasons, latest[::-1])


def find_letter(reader: EventReader, topic: str, partition: int, offset: int) -> Letter:
    """The letter about one record. Raises NotFound, Unavailable."""
    for letter in letters(reader, [topic]):
        if letter.place == (topic, partition, offset):
            return letter
    raise NotFound("dead letter", f"{topic} {partition} {offset}")


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
