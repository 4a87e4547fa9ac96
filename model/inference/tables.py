"""Monotone tables that turn a margin into a probability and into a rank among good traffic.

Compiled scalar loops instead of vectorised numpy: numpy may choose other instructions for one row than for a
thousand, and the last bit of a score would then depend on the size of its batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

F8 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScoreTables:
    """Knots of both maps, margins strictly increasing, f8[k] each.

    `calibration_log_odds` over `calibration_margin` (k >= 2, strictly increasing): continued in a straight
    line beyond both ends, so that two margins never share a probability. `good_share_below` over `good_margin`
    (not decreasing, 0 to 1): share of good calibration traffic that scores strictly lower, flat beyond the ends.
    """

    calibration_margin: F8
    calibration_log_odds: F8
    good_margin: F8
    good_share_below: F8

    def probability(self, margin: F8) -> F8:
        """Calibrated chance of fraud, f8[n] in 0..1."""
        return logistic(_lookup(margin, self.calibration_margin, self.calibration_log_odds, True))

    def risk_score(self, margin: F8) -> F8:
        """Share of good traffic that scores strictly lower, f8[n] in 0..1."""
        return _lookup(margin, self.good_margin, self.good_share_below, False)

    def to_arrays(self) -> dict[str, F8]:
        """Plain arrays, ready for a file without pickles."""
        return {name: getattr(self, name) for name in TABLE_ARRAYS}


TABLE_ARRAYS = tuple(ScoreTables.__slots__)


def table_problem_of(tables: ScoreTables) -> str | None:
    """Why these tables must not be used, or None."""
    return next(_wrong_tables(tables), None)


def _wrong_tables(tables: ScoreTables) -> Iterator[str]:
    for name, values in tables.to_arrays().items():
        if not np.isfinite(values).all():
            yield f"{name} is not finite"
    if tables.calibration_margin.shape != tables.calibration_log_odds.shape or len(tables.calibration_margin) < 2:
        yield "the calibration table needs two knots or more"
    if tables.good_margin.shape != tables.good_share_below.shape or len(tables.good_margin) < 1:
        yield "the table of good traffic is empty"
    if (np.diff(tables.calibration_margin) <= 0).any() or (np.diff(tables.calibration_log_odds) <= 0).any():
        yield "the calibration table does not rise"
    if (np.diff(tables.good_margin) <= 0).any() or (np.diff(tables.good_share_below) < 0).any():
        yield "the table of good traffic falls"
    if tables.good_share_below[0] < 0 or tables.good_share_below[-1] > 1:
        yield "a share lies outside 0 to 1"


@numba.njit(cache=True)
def logistic(log_odds: F8) -> F8:
    """1 / (1 + exp(-x)) of each, f8[n] -> f8[n]."""
    out = np.empty(log_odds.shape[0])
    for i in range(log_odds.shape[0]):
        out[i] = 1.0 / (1.0 + math.exp(-log_odds[i]))
    return out


@numba.njit(cache=True)
def _lookup(x: F8, knot: F8, level: F8, is_extended: bool) -> F8:
    out = np.empty(x.shape[0])
    last = knot.shape[0] - 1
    for i in range(x.shape[0]):
        j = np.searchsorted(knot, x[i], side="right") - 1
        if not is_extended and (j < 0 or j >= last):
            out[i] = level[max(j, 0)]
        else:
            j = min(max(j, 0), last - 1)
            share = (x[i] - knot[j]) / (knot[j + 1] - knot[j])
            out[i] = level[j] + share * (level[j + 1] - level[j])
    return out
