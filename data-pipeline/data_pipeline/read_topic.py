"""Reads a topic from its beginning up to the end that it has when asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from fraud_prevention.domain.errors import Unavailable
from fraud_prevention.ports import OFFSET_BEGINNING, EventReader, Record, TopicPartition

SILENCE_S: Final = 30.0  # a busy broker may take seconds for a batch
_BATCH: Final = 5_000
_POLL_S: Final = 1.0


def read_to_end(reader: EventReader, topic: str, silence_s: float = SILENCE_S) -> Iterator[Record]:
    """Every record that the topic holds at the first step, partitions interleaved; what is written later is left out.

    Takes the reader's assignment. Raises Unavailable when nothing comes for `silence_s` before the end is reached.
    """
    # Nothing is written in transactions and no topic is compacted: the last offset of a partition is a record.
    held = reader.extents(reader.partitions(topic))
    ends = {place: extent.end for place, extent in held.items() if extent.end > extent.first}
    reader.assign(dict.fromkeys(ends, OFFSET_BEGINNING))
    deadline_s = time.monotonic() + silence_s
    while ends:
        batch = reader.poll_batch(_BATCH, min(_POLL_S, silence_s))
        for record in batch:
            place = TopicPartition(record.topic, record.partition)
            if record.offset >= ends.get(place, 0):
                continue
            if record.offset + 1 == ends[place]:
                del ends[place]
            yield record
        if batch:
            deadline_s = time.monotonic() + silence_s
        elif time.monotonic() >= deadline_s:
            raise Unavailable("kafka", f"{topic} is silent for {silence_s:g} s before its end")
