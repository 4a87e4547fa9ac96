"""Vectors of the wanted rows of a history, point in time, by the one kernel that also serves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from model.features.engine import Replay
from model.training.history import History

_CHUNK_ROWS: Final = 200_000


def vectors_of(
    history: History, wanted: npt.NDArray[np.int64], progress: Callable[[int], None] | None = None
) -> npt.NDArray[np.float64]:
    """float64[len(wanted), F] of the rows in `wanted` (rising row numbers), each from all that came before it.

    Everything up to the last wanted row is replayed, and only wanted vectors are kept, so that memory follows
    what is asked for and not the length of the history. `progress` is told the rows replayed so far.
    """
    engine, kept = Replay(), []
    end = int(wanted[-1]) + 1 if len(wanted) else 0
    for start in range(0, end, _CHUNK_ROWS):
        stop = min(start + _CHUNK_ROWS, end)
        computed = engine.add(history.transactions.slice(start, stop - start))
        low, high = np.searchsorted(wanted, (start, stop))
        kept.append(computed.vectors[wanted[low:high] - start])
        if progress is not None:
            progress(stop)
    return np.concatenate(kept)
