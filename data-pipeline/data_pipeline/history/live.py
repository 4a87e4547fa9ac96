"""Reads the live log back: what was decided in a span of time, and from which vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from fraud_prevention.domain.errors import HistoryUnusable
from fraud_prevention.domain.topics import DECISIONS, FEATURES
from fraud_prevention.ports import OFFSET_BEGINNING, EventReader, Record

BATCH: Final = 10_000
QUIET_S: Final = 3.0  # a log that gives nothing for so long has been read to its end
MAX_EVENTS: Final = 5_000_000  # of one call: about 5 GB of payloads


class OnceReader(Protocol):
    """Reads what the reader below it was assigned, each fact once; `repeats` counts what was dropped."""

    repeats: int

    def poll(self, max_records: int, timeout_s: float) -> Sequence[tuple[Record, dict[str, Any] | None]]:
        """At most `max_records` (record, payload), [] when the time is over or all that came were repeats."""


Once = Callable[[EventReader], OnceReader]


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


def read_decisions(reader: EventReader, once: Once, start_ms: int, end_ms: int) -> LiveDecisions:
    """Every decision with start ≤ event_time < end, each once, and its served vector.

    Reads both topics from the beginning to their end. Raises HistoryUnusable where vectors of more than one
    catalogue are in the span, since their columns cannot be compared.
    """
    kept = [d for d in _payloads(reader, once, DECISIONS) if start_ms <= d["event_time"] < end_ms]
    vectors = [v for v in _payloads(reader, once, FEATURES) if start_ms <= v["event_time"] < end_ms]
    kept.sort(key=lambda d: (d["event_time"], d["transaction_id"]))
    by_id = {(v["transaction_id"], v["decision_version"]): v for v in vectors}
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


def _payloads(reader: EventReader, once: Once, topic: str) -> Iterator[dict[str, Any]]:
    """Everything that the topic holds now, repeats dropped. Raises HistoryUnusable above five million events."""
    reader.assign(dict.fromkeys(reader.partitions(topic), OFFSET_BEGINNING))
    unique = once(reader)
    seen = 0
    while True:
        repeats = unique.repeats
        batch = unique.poll(BATCH, QUIET_S)
        if not batch and unique.repeats == repeats:
            return
        seen += len(batch)
        if seen > MAX_EVENTS:
            raise HistoryUnusable(topic, f"the log holds more than {MAX_EVENTS:,} events: read its archive instead")
        yield from (payload for _, payload in batch if payload is not None)
