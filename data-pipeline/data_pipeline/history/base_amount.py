"""The arithmetic of `domain.reference.to_base_minor` for whole columns; a test holds the two equal."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def to_base_minor(
    amounts_minor: npt.NDArray[np.int64], scales: npt.ArrayLike, rates: npt.ArrayLike
) -> npt.NDArray[np.int64]:
    """Hundredths of a euro, half up, of amounts ≥ 0 in minor units.

    scales: minor units in one unit of the currency (100 for most). rates: units of the currency for one euro.
    Both are of one currency or of each amount's.
    """
    per_euro = np.asarray(scales) * np.asarray(rates)
    return np.asarray((amounts_minor * 100 / per_euro + 0.5).astype(np.int64))
