"""History in, vectors out: what training and evaluation read."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model.features.engine import Replay

CHUNK_ROWS = 200_000  # large enough that laying the state out again is a few percent of the work


def replay(
    table: pa.Table, *, chunk_rows: int = CHUNK_ROWS, progress: Callable[[int], None] | None = None
) -> NDArray[np.float64]:
    """Point-in-time vectors f8[n, F] of the rows, in the order given, which counts as the order of the log.

    The result does not depend on `chunk_rows`. `progress` is told the rows done after each chunk.
    """
    engine = Replay()
    found = []
    for start in range(0, table.num_rows, chunk_rows):
        found.append(engine.add(table.slice(start, chunk_rows)).vectors)
        if progress is not None:
            progress(min(start + chunk_rows, table.num_rows))
    return np.concatenate(found) if found else np.empty((0, 0))
