"""A folder of history: transactions in the order of the log, the labels that came later, and perhaps the truth.

Knows nothing of features. The truth, which only a made world has, is for evaluation: no training reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fraud_prevention.domain.errors import HistoryUnusable

I8 = npt.NDArray[np.int64]
DAY_MS: Final = 86_400_000
HISTORY_FILE, LABELS_FILE, TRUTH_FILE = "history.parquet", "labels.parquet", "truth.parquet"
ANSWERS_FILE: Final = "authorisations.parquet"
UNKNOWN, GOOD, FRAUD = -1, 0, 1


@dataclass(frozen=True, slots=True)
class History:
    """`transactions` with the columns of transactions.v1, in log order; row i of every array is its row i.

    Of each label: `label_row` the transaction it speaks of (labels of other transactions are left out),
    `label_is_fraud`, `label_observed_at` (ms). `truth` is i1[n] of UNKNOWN, GOOD and FRAUD where the folder has it,
    else None. labels, answers: rows of labels.v1 and authorisations.v1 about these transactions; answers may be None.
    """

    folder: Path
    transactions: pa.Table
    event_time: I8
    label_row: I8
    label_is_fraud: npt.NDArray[np.bool_]
    label_observed_at: I8
    truth: npt.NDArray[np.int8] | None
    labels: pa.Table
    answers: pa.Table | None

    @property
    def rows(self) -> int:
        return len(self.event_time)

    def column(self, name: str) -> npt.NDArray[Any]:
        """One column of the transactions as a numpy array of objects or numbers."""
        return np.asarray(self.transactions.column(name).to_numpy(zero_copy_only=False))

    def labels_known(self, at_ms: int, maturity_ms: int) -> npt.NDArray[np.int8]:
        """What is known of each transaction at a moment: UNKNOWN, GOOD or FRAUD, i1[n].

        Only transactions that are older than the maturity age then are known at all: among younger ones the
        frauds would be known before the good, and their share would lie. A label counts when it had been
        observed; the latest one wins, and what no label speaks of is good.
        """
        known = np.full(self.rows, UNKNOWN, dtype=np.int8)
        known[self.event_time <= at_ms - maturity_ms] = GOOD
        counts = np.flatnonzero((self.label_observed_at <= at_ms) & (known[self.label_row] != UNKNOWN))
        counts = counts[np.argsort(self.label_observed_at[counts], kind="stable")]
        # Assignment in order of observation: a later label overwrites an earlier one.
        known[self.label_row[counts]] = self.label_is_fraud[counts]
        return known


def load_history(folder: Path) -> History:
    """Read a folder written by `fraud generate` or `fraud import`. Raises HistoryUnusable with the cure."""
    transactions = _read(folder / HISTORY_FILE)
    if transactions.num_rows == 0:
        raise HistoryUnusable(str(folder / HISTORY_FILE), "it holds no transactions")
    ids = transactions.column("transaction_id").combine_chunks()
    # A label without a verdict or a moment says nothing; it does not say good.
    labels = _known(_read(folder / LABELS_FILE), ("transaction_id", "is_fraud", "observed_at"))
    row = _rows_of(labels.column("transaction_id"), ids)
    found = row >= 0
    truth = None
    if (folder / TRUTH_FILE).exists():
        table = _read(folder / TRUTH_FILE)
        place = _rows_of(ids, table.column("transaction_id").combine_chunks())
        if (place < 0).any():
            raise HistoryUnusable(str(folder / TRUTH_FILE), "it does not cover every transaction")
        truth = _told(table.column("is_fraud"))[place]
    return History(
        folder=folder,
        transactions=transactions,
        event_time=np.asarray(transactions.column("event_time").to_numpy()).astype(np.int64),
        label_row=row[found],
        label_is_fraud=np.asarray(labels.column("is_fraud").to_numpy()).astype(np.bool_)[found],
        label_observed_at=np.asarray(labels.column("observed_at").to_numpy()).astype(np.int64)[found],
        truth=truth,
        labels=labels.filter(pa.array(found)),
        answers=_answers(folder, ids),
    )


def _known(table: pa.Table, columns: tuple[str, ...]) -> pa.Table:
    """The rows that say something in each of the columns."""
    for name in columns:
        table = table.filter(pc.is_valid(table.column(name)))
    return table


def _answers(folder: Path, ids: pa.Array) -> pa.Table | None:
    if not (folder / ANSWERS_FILE).exists():
        return None
    table = _known(_read(folder / ANSWERS_FILE), ("transaction_id", "result", "observed_at"))
    return table.filter(pc.is_in(table.column("transaction_id"), value_set=ids))


def _told(is_fraud: pa.ChunkedArray) -> npt.NDArray[np.int8]:
    return np.asarray(pc.fill_null(pc.cast(is_fraud, pa.int8()), UNKNOWN).to_numpy())


def _rows_of(wanted: pa.ChunkedArray, ids: pa.Array) -> I8:
    found = pc.index_in(wanted, value_set=ids)
    return np.asarray(pc.fill_null(found, -1).to_numpy()).astype(np.int64)


def _read(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except FileNotFoundError as error:
        cure = f"make a world with `fraud generate --output {path.parent}`, or bring your own with `fraud import`"
        raise HistoryUnusable(str(path), f"there is no such file; {cure}") from error
    except pa.ArrowInvalid as error:
        raise HistoryUnusable(str(path), f"it is no Parquet file ({error})") from error
