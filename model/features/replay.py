"""History through the kernel, chunk by chunk: the one loop of training, of rebuilding state and of whole replays."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model.features.catalogue import FEATURE_COUNT
from model.features.engine import Replay

CHUNK_ROWS = 200_000  # large enough that laying the state out again is a few percent of the work


def replay_chunks(
    engine: Replay,
    table: pa.Table,
    chunk_rows: int = CHUNK_ROWS,
    progress: Callable[[int], None] | None = None,
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """First row and vectors f8[rows, F] of each chunk, in the order given, which counts as the order of the log.

    `engine` holds the state afterwards. The vectors do not depend on `chunk_rows`. `progress` is told the rows done
    after each chunk.
    """
    for start in range(0, table.num_rows, chunk_rows):
        yield start, engine.add(table.slice(start, chunk_rows)).vectors
        if progress is not None:
            progress(min(start + chunk_rows, table.num_rows))


def replay(
    table: pa.Table, *, chunk_rows: int = CHUNK_ROWS, progress: Callable[[int], None] | None = None
) -> NDArray[np.float64]:
    """Point-in-time vectors f8[n, F] of all rows; see `replay_chunks`."""
    found = [vectors for _, vectors in replay_chunks(Replay(), table, chunk_rows, progress)]
    return np.concatenate(found) if found else np.empty((0, FEATURE_COUNT))
