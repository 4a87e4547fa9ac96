"""Groups codes by value without sorting: places in order of first appearance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.features.compiled import jit


@jit
def _group(codes: Any, parts: Any, table: Any, places: Any, firsts: Any) -> int:
    mask = np.uint64(table.shape[0] - 1)
    found = 0
    for i in range(codes.shape[0]):
        if codes[i] == 0:
            places[i] = -1
            continue
        slot = (codes[i] + np.uint64(parts[i]) * np.uint64(0x9E3779B97F4A7C15)) & mask
        while table[slot] >= 0:
            first = firsts[table[slot]]
            if codes[first] == codes[i] and parts[first] == parts[i]:
                break
            slot = (slot + np.uint64(1)) & mask
        if table[slot] < 0:
            table[slot] = found
            firsts[found] = i
            found += 1
        places[i] = table[slot]
    return found


def group(codes: NDArray[np.uint64], parts: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Places int32[n]: the group of each row, -1 where its code is 0; firsts int32[groups]: a row of each group.

    Rows are of one group when code and part are equal.
    """
    size = 16
    while size < 2 * len(codes):
        size *= 2
    places, firsts = np.empty(len(codes), np.int32), np.empty(len(codes), np.int32)
    found = _group(codes, parts, np.full(size, -1, np.int32), places, firsts)
    return places, firsts[:found]
