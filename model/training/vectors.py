"""Vectors of the wanted rows of a history, point in time, by the one kernel that also serves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from model.features.catalogue import FEATURE_COUNT
from model.features.replay import replay_chunks
from model.features.replay_engines import Replay
from model.features.side import side_of
from model.training.history import History


def vectors_of(
    history: History, wanted: npt.NDArray[np.int64], progress: Callable[[int], None] | None = None
) -> npt.NDArray[np.float64]:
    """float64[len(wanted), F] of the rows in `wanted` (rising row numbers), each from all that came before it.

    Everything up to the last wanted row is replayed, and only wanted vectors are kept, so that memory follows
    what is asked for and not the length of the history. `progress` is told the rows replayed so far.
    """
    if not len(wanted):
        return np.empty((0, FEATURE_COUNT))
    kept = []
    for start, vectors in replay_chunks(
        Replay(),
        history.transactions.slice(0, int(wanted[-1]) + 1),
        progress=progress,
        side=side_of(history.labels, history.answers),
    ):
        low, high = np.searchsorted(wanted, (start, start + len(vectors)))
        kept.append(vectors[wanted[low:high] - start])
    return np.concatenate(kept)
