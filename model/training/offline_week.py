"""Scores of a span of days, measured: those a model gives offline, and those that were served.

Both go through `evaluate_scores`, so that a difference between them is one of scores and not of measuring.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fraud_prevention.domain.errors import HistoryUnusable
from fraud_prevention.ports import Scorer
from model.training.history import DAY_MS, FRAUD, UNKNOWN, History
from model.training.metrics import Evaluation
from model.training.train import evaluate_rows
from model.training.vectors import vectors_of
from model.training.windows import MATURITY_DAYS, measured_labels

_BLOCK_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class DaySpan:
    """Whole days from `start_ms` (UTC); transactions of [start, start + days)."""

    start_ms: int
    days: int

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.days * DAY_MS

    def rows_of(self, history: History) -> npt.NDArray[np.int64]:
        """Rising numbers of the history's rows within the span."""
        return np.flatnonzero((history.event_time >= self.start_ms) & (history.event_time < self.end_ms))


@dataclass(frozen=True, slots=True)
class SpanFigures:
    """Figures of a span; `scored` of its `transactions` had a score; of those, the known ones were measured."""

    evaluation: Evaluation
    transactions: int
    scored: int


def offline_scores(
    history: History, scorer: Scorer, span: DaySpan, progress: Callable[[int], None] | None = None
) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Ids and probabilities of the span's transactions, from features replayed since the start of the history."""
    rows = span.rows_of(history)
    vectors = vectors_of(history, rows, progress)
    blocks = [scorer.score(vectors[i : i + _BLOCK_ROWS]).probability for i in range(0, len(rows), _BLOCK_ROWS)]
    ids = history.transactions.column("transaction_id").take(pa.array(rows)).to_pylist()
    return ids, np.concatenate(blocks) if blocks else np.empty(0)


def evaluate_scores(
    transaction_ids: Sequence[str],
    scores: npt.NDArray[np.float64],
    history: History,
    span: DaySpan,
    maturity_days: float = MATURITY_DAYS,
) -> SpanFigures:
    """Measure scores of transactions, in any order, against what the test window of a training is measured against.

    Transactions of which nothing is known (see `measured_labels`) are not measured. An id outside the span is left
    out; of an id that comes twice the first counts. Raises HistoryUnusable where the span's measured transactions are
    not both fraudulent and good.
    """
    rows = span.rows_of(history)
    ids = history.transactions.column("transaction_id").take(pa.array(rows)).combine_chunks()
    place = np.asarray(pc.fill_null(pc.index_in(ids, value_set=pa.array(transaction_ids, pa.string())), -1).to_numpy())
    known = measured_labels(history, span.end_ms, int(maturity_days * DAY_MS))[rows]
    measured = (place >= 0) & (known != UNKNOWN)
    try:
        evaluation = evaluate_rows(
            history, rows[measured], np.asarray(scores)[place[measured]], known[measured] == FRAUD
        )
    except ValueError as error:
        raise HistoryUnusable(str(history.folder), str(error)) from error
    return SpanFigures(evaluation, transactions=len(rows), scored=int((place >= 0).sum()))
