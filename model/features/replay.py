"""History through the kernel, chunk by chunk: the one loop of training, of rebuilding state and of whole replays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model.features.catalogue import FEATURE_COUNT
from model.features.replay_engines import Replay
from model.features.side import SideTable

CHUNK_ROWS = 200_000  # large enough that laying the state out again is a few percent of the work


def replay_chunks(
    engine: Replay,
    table: pa.Table,
    chunk_rows: int = CHUNK_ROWS,
    progress: Callable[[int], None] | None = None,
    side: SideTable | None = None,
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """First row and vectors f8[rows, F] of each chunk, in the order given, which counts as the order of the log.

    `engine` holds the state afterwards. The vectors do not depend on `chunk_rows`. `progress` is told the rows done
    after each chunk. side: labels and answers; each chunk gets those that were observed by its end.
    """
    starts = range(0, table.num_rows, chunk_rows)
    times = np.asarray(table.column("event_time").to_numpy())
    newest = (int(times[start : start + chunk_rows].max()) for start in starts)
    learned = repeat(None) if side is None else side.by_time(newest)
    for start, known in zip(starts, learned, strict=False):
        yield start, engine.add(table.slice(start, chunk_rows), known).vectors
        if progress is not None:
            progress(min(start + chunk_rows, table.num_rows))


def replay(
    table: pa.Table,
    *,
    chunk_rows: int = CHUNK_ROWS,
    progress: Callable[[int], None] | None = None,
    side: SideTable | None = None,
) -> NDArray[np.float64]:
    """Point-in-time vectors f8[n, F] of all rows; see `replay_chunks`."""
    found = [vectors for _, vectors in replay_chunks(Replay(), table, chunk_rows, progress, side)]
    return np.concatenate(found) if found else np.empty((0, FEATURE_COUNT))
