"""Reads the live log back: what was decided in a span of time, and from which vectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fraud_prevention.domain.errors import HistoryUnusable
from fraud_prevention.domain.topics import DECISIONS, FEATURES
from fraud_prevention.ports import OFFSET_BEGINNING, EventReader
from storage_security.kafka.reader import Event, UniqueReader

BATCH: Final = 10_000
QUIET_S: Final = 3.0  # a log that gives nothing for so long has been read to its end
MAX_EVENTS: Final = 5_000_000  # of one call: about 5 GB of payloads


@dataclass(frozen=True)
class LiveDecisions:
    """Decisions of a span in the order of (event_time, transaction_id), and the vectors they were made from.

    decisions: payloads of decisions.v1, n of them. vectors: float64[n, F], NaN in rows without a vector.
    catalogue_version: of the vectors; empty where there is none.
    """

    decisions: list[dict[str, Any]]
    vectors: npt.NDArray[np.float64]
    catalogue_version: str

    def column(self, name: str) -> npt.NDArray[Any]:
        """One field of all decisions, such as risk_score."""
        return np.array([decision[name] for decision in self.decisions])


def read_decisions(reader: EventReader, start_ms: int, end_ms: int) -> LiveDecisions:
    """Every decision with start ≤ event_time < end, each once, and its served vector.

    Reads both topics from the beginning to their end. Raises HistoryUnusable where vectors of more than one
    catalogue are in the span, since their columns cannot be compared.
    """
    decisions = [event.payload for event in _events(reader, DECISIONS) if _is_within(event, start_ms, end_ms)]
    vectors = [event.payload for event in _events(reader, FEATURES) if _is_within(event, start_ms, end_ms)]
    kept = [d for d in decisions if d is not None]
    kept.sort(key=lambda d: (d["event_time"], d["transaction_id"]))
    by_id = {(v["transaction_id"], v["decision_version"]): v for v in vectors if v is not None}
    catalogues = {v["catalogue_version"] for v in by_id.values()}
    if len(catalogues) > 1:
        raise HistoryUnusable(FEATURES, f"the span holds vectors of catalogues {', '.join(sorted(catalogues))}")
    width = max((len(v["vector"]) for v in by_id.values()), default=0)
    matrix = np.full((len(kept), width), np.nan)
    for row, decision in enumerate(kept):
        found = by_id.get((decision["transaction_id"], decision["decision_version"]))
        if found is not None:
            matrix[row] = found["vector"]
    return LiveDecisions(kept, matrix, next(iter(catalogues), ""))


def _is_within(event: Event, start_ms: int, end_ms: int) -> bool:
    return event.payload is not None and start_ms <= event.payload["event_time"] < end_ms


def _events(reader: EventReader, topic: str) -> Iterator[Event]:
    """Everything that the topic holds now, repeats dropped. Raises HistoryUnusable above five million events."""
    reader.assign(dict.fromkeys(reader.partitions(topic), OFFSET_BEGINNING))
    unique = UniqueReader(reader, capacity=MAX_EVENTS)
    seen = 0
    while True:
        repeats = unique.repeats
        batch = unique.poll(BATCH, QUIET_S)
        if not batch and unique.repeats == repeats:
            return
        seen += len(batch)
        if seen > MAX_EVENTS:
            raise HistoryUnusable(topic, f"the log holds more than {MAX_EVENTS:,} events: read its archive instead")
        yield from batch
