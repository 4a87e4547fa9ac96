"""The split by time: what a model may learn from, be calibrated on and be measured on, had it gone live then.

                     fit            calibration    maturity      test
    ├─ warm-up ─┼──────────────────┼─────────────┼───────────┼─────────────┤
                                                          goes live
Fit and calibration use what was known when the model goes live, and nothing that became known later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from fraud_prevention.domain.errors import HistoryUnusable
from model.training.history import DAY_MS, FRAUD, GOOD, UNKNOWN, History

Rows = npt.NDArray[np.int64]
_MIN_FRAUDS = 10
MATURITY_DAYS: Final = 7.0


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """Lengths in days. `until_ms` is the end of the test window; None means the end of the history.

    `fit_days` bounds the fit window, and with it time and memory, however long the history is.
    """

    maturity_days: float = MATURITY_DAYS
    calibration_days: float = 7.0
    test_days: float = 7.0
    warm_up_days: float = 3.0
    fit_days: float = 60.0
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """Rows of each window with what is known of them; `test` is empty where no test days were asked for."""

    live_ms: int
    fit: Rows
    fit_labels: npt.NDArray[np.bool_]
    calibration: Rows
    calibration_labels: npt.NDArray[np.bool_]
    test: Rows
    test_labels: npt.NDArray[np.bool_]


def split_by_time(history: History, plan: SplitPlan) -> Split:
    """Cut the history. Raises HistoryUnusable where a window lacks frauds or good transactions."""
    time = history.event_time
    # Whole days, because some figures are a mean over days.
    end_ms = (int(time.max()) // DAY_MS + 1) * DAY_MS if plan.until_ms is None else plan.until_ms
    live_ms = end_ms - int(plan.test_days * DAY_MS)
    maturity_ms = int(plan.maturity_days * DAY_MS)
    known = history.labels_known(live_ms, maturity_ms)
    calibration_from = live_ms - maturity_ms - int(plan.calibration_days * DAY_MS)
    warm_from = int(time.min()) + int(plan.warm_up_days * DAY_MS)
    fit_from = max(warm_from, calibration_from - int(plan.fit_days * DAY_MS))
    fit = np.flatnonzero((known != UNKNOWN) & (time >= fit_from) & (time < calibration_from))
    calibration = np.flatnonzero((known != UNKNOWN) & (time >= calibration_from))
    for window, rows in (("fit", fit), ("calibration", calibration)):
        _check_window(history, window, known[rows], live_ms)
    in_test = (time >= live_ms) & (time < end_ms)
    test_known = measured_labels(history, end_ms, maturity_ms)
    test = np.flatnonzero(in_test & (test_known != UNKNOWN))
    return Split(
        live_ms=live_ms,
        fit=fit,
        fit_labels=known[fit] == FRAUD,
        calibration=calibration,
        calibration_labels=known[calibration] == FRAUD,
        test=test,
        test_labels=test_known[test] == FRAUD,
    )


def measured_labels(history: History, end_ms: int, maturity_ms: int) -> npt.NDArray[np.int8]:
    """What a measurement compares scores with: UNKNOWN, GOOD or FRAUD, i1[n], whatever was known when.

    The truth where there is one, else what all labels say of transactions that have matured by the last moment of the
    history, or by `end_ms` where that is later.
    """
    if history.truth is not None:
        return history.truth
    last_ms = max(end_ms, int(history.event_time.max()), int(history.label_observed_at.max(initial=0)))
    return history.labels_known(last_ms, maturity_ms)


def _check_window(history: History, window: str, known: npt.NDArray[np.int8], live_ms: int) -> None:
    frauds, good = int((known == FRAUD).sum()), int((known == GOOD).sum())
    if frauds < _MIN_FRAUDS or good < _MIN_FRAUDS:
        when = datetime.fromtimestamp(live_ms / 1000, UTC).isoformat(timespec="minutes")
        raise HistoryUnusable(
            str(history.folder),
            f"of the {window} window, {frauds} frauds and {good} good transactions are known on {when}, "
            f"{_MIN_FRAUDS} of each are needed; use a longer history or a shorter maturity age",
        )
