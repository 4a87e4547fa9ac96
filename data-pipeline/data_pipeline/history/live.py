"""Reads the live log back: what was decided in a span of time, and from which vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from data_pipeline.read_topic import read_to_end
from fraud_prevention.domain.errors import HistoryUnusable
from fraud_prevention.domain.topics import DECISIONS, FEATURES
from fraud_prevention.ports import EventReader

MAX_EVENTS: Final = 5_000_000  # of one topic: about 5 GB of payloads


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
    catalogue are in the span, since their columns cannot be compared, or a topic holds more than five million events;
    Unavailable where the log stops before its end.
    """
    decisions = _once(reader, DECISIONS, start_ms, end_ms)
    vectors = _once(reader, FEATURES, start_ms, end_ms)
    catalogues = {v["catalogue_version"] for v in vectors.values()}
    if len(catalogues) > 1:
        raise HistoryUnusable(FEATURES, f"the span holds vectors of catalogues {', '.join(sorted(catalogues))}")
    kept = sorted(decisions.values(), key=lambda d: (d["event_time"], d["transaction_id"]))
    width = max((len(v["vector"]) for v in vectors.values()), default=0)
    matrix = np.full((len(kept), width), np.nan)
    for row, decision in enumerate(kept):
        found = vectors.get((decision["transaction_id"], decision["decision_version"]))
        if found is not None:
            matrix[row] = found["vector"]
    return LiveDecisions(kept, matrix, next(iter(catalogues), ""))


def _once(reader: EventReader, topic: str, start_ms: int, end_ms: int) -> dict[tuple[str, int], dict[str, Any]]:
    """Payloads of the span by (transaction, version): writers are at-least-once, and what stands twice is equal."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for seen, record in enumerate(read_to_end(reader, topic), start=1):
        if seen > MAX_EVENTS:
            raise HistoryUnusable(topic, f"the log holds more than {MAX_EVENTS:,} events: read its archive instead")
        payload = _parsed(record.value)
        if payload is not None and start_ms <= payload["event_time"] < end_ms:
            found.setdefault((payload["transaction_id"], payload["decision_version"]), payload)
    return found


def _parsed(value: bytes | None) -> dict[str, Any] | None:
    """None for what is no JSON object: the sink counts it as a bad record, and it is no decision."""
    try:
        payload = orjson.loads(value or b"null")
    except orjson.JSONDecodeError:
        return None
    return payload if isinstance(payload, dict) else None
