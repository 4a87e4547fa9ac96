"""The same trees for many rows at a time: no walks, only comparisons that one instruction makes for many rows.

Each value is replaced by its rank among the thresholds of its feature, once a batch. A tree holds a bit for each of its
leaves, from left to right; every split that sends a row to the right strikes the leaves on its left, and the lowest bit
that is left is the row's leaf (Lucchese and others, "QuickScorer", 2015). Leaf values are added in the order of the
trees, so a margin has the bits that walking the trees gives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

F8 = npt.NDArray[np.float64]
_Masks = npt.NDArray[np.unsignedinteger[Any]]

# Rows of one block: their ranks stay in the first cache, and a loop of fixed length needs no ends.
_ROWS: Final = 128
_MAX_CUTS: Final = 65_535


@dataclass(frozen=True, slots=True)
class RankedTrees:
    """`column` i4[c] names the features in use, `cut` f8[*] their distinct thresholds, those of column i from
    `cut_start`[i] to `cut_start`[i + 1].

    Splits, tree after tree, those of tree t from `split_start`[t] on: `split_column` i4[s], `split_rank` u2[s] (a row
    goes right where its rank is greater) and `split_mask` [s], the leaves that are left then. `leaf` f8[t, L].
    """

    column: npt.NDArray[np.int32]
    cut: F8
    cut_start: npt.NDArray[np.int32]
    split_start: npt.NDArray[np.int32]
    split_column: npt.NDArray[np.int32]
    split_rank: npt.NDArray[np.uint16]
    split_mask: _Masks
    leaf: F8
    baseline: float

    def margin(self, features: F8) -> F8 | None:
        """Log-odds before calibration: f8[n, F] -> f8[n]; None where a feature in use is NaN, which has no rank."""
        out = np.empty(features.shape[0], dtype=np.float64)
        is_done = _margin_ranked(
            features,
            self.column,
            self.cut,
            self.cut_start,
            self.split_start,
            self.split_column,
            self.split_rank,
            self.split_mask,
            self.leaf,
            self.baseline,
            out,
        )
        return out if is_done else None


def rank_trees(
    nodes: npt.NDArray[np.void], value: F8, root: npt.NDArray[np.int32], baseline: float
) -> RankedTrees | None:
    """The ranked form of a checked ensemble (see `trees.TreeEnsemble`), None where a tree has more than 64 leaves."""
    leaf_counts = np.add.reduceat(nodes["is_leaf"].astype(np.int64), root)
    width = next((bits for bits in (16, 32, 64) if leaf_counts.max() <= bits), None)
    branches = np.flatnonzero(nodes["is_leaf"] == 0)
    column = np.unique(nodes["feature"][branches]).astype(np.int32)
    cuts = [np.unique(nodes["threshold"][branches][nodes["feature"][branches] == feature]) for feature in column]
    if width is None or any(len(cut) > _MAX_CUTS for cut in cuts):
        return None
    leaf = np.zeros((len(root), width))
    struck = np.zeros(len(nodes), np.uint64)
    for tree, start in enumerate(root.tolist()):
        leaves = _strike(nodes["child"], nodes["is_leaf"], start, struck)
        leaf[tree, : len(leaves)] = value[leaves]
    place = np.searchsorted(column, nodes["feature"][branches])
    rank = [np.searchsorted(cuts[at], nodes["threshold"][node]) for at, node in zip(place, branches, strict=True)]
    return RankedTrees(
        column=column,
        cut=np.concatenate([*cuts, np.zeros(1)]),
        cut_start=np.cumsum([0, *map(len, cuts)]).astype(np.int32),
        split_start=np.append(np.searchsorted(branches, root), len(branches)).astype(np.int32),
        split_column=place.astype(np.int32),
        split_rank=np.array(rank, np.uint16),
        split_mask=(~struck[branches]).astype(f"u{width // 8}"),
        leaf=leaf,
        baseline=baseline,
    )


def _strike(
    child: Sequence[int] | npt.NDArray[np.int32],
    is_leaf: npt.NDArray[np.uint8],
    root: int,
    struck: npt.NDArray[np.uint64],
) -> list[int]:
    """The tree's leaves from left to right; for each branch the bits of the leaves on its left go to `struck`."""
    leaves: list[int] = []
    todo = [(root, -1)]  # a node to visit, or a branch (second place) whose left side is complete
    first: dict[int, int] = {}
    while todo:
        node, ended = todo.pop()
        if ended >= 0:
            struck[ended] = (1 << len(leaves)) - (1 << first[ended])
            continue
        if is_leaf[node]:
            leaves.append(node)
            continue
        left = int(child[node])
        first[node] = len(leaves)
        todo += [(left + 1, -1), (-1, node), (left, -1)]
    return leaves


@numba.njit(cache=True)
def _rank_block(
    features: F8,
    start: int,
    rows: int,
    column: npt.NDArray[np.int32],
    cut: F8,
    cut_start: npt.NDArray[np.int32],
    values: F8,
    ranks: npt.NDArray[np.uint16],
) -> bool:
    """Ranks of the block's rows, u2[c, _ROWS]: how many thresholds lie below each value. False where one is NaN.

    `values` f8[c, _ROWS] is room for the block, turned. Counting all thresholds below a value beats a search, because
    one instruction counts for several rows and none is mispredicted; an ensemble has no more of them than splits.
    """
    is_number = True
    below = np.empty(_ROWS, np.int64)
    for r in range(rows):
        for c in range(column.shape[0]):
            x = features[start + r, column[c]]
            is_number &= not math.isnan(x)
            values[c, r] = x
    for c in range(column.shape[0]):
        below[:] = 0
        for k in range(cut_start[c], cut_start[c + 1]):
            limit = cut[k]
            for r in range(_ROWS):
                below[r] += np.int64(limit < values[c, r])
        for r in range(_ROWS):
            ranks[c, r] = np.uint16(below[r])
    return is_number


@numba.njit(cache=True)
def _lowest_bit(mask: int) -> int:
    """Place of the lowest bit that is set."""
    place = 0
    word = np.uint64(mask)
    word &= ~word + np.uint64(1)
    if word & np.uint64(0xFFFFFFFF00000000):
        place += 32
    if word & np.uint64(0xFFFF0000FFFF0000):
        place += 16
    if word & np.uint64(0xFF00FF00FF00FF00):
        place += 8
    if word & np.uint64(0xF0F0F0F0F0F0F0F0):
        place += 4
    if word & np.uint64(0xCCCCCCCCCCCCCCCC):
        place += 2
    if word & np.uint64(0xAAAAAAAAAAAAAAAA):
        place += 1
    return place


@numba.njit(cache=True)
def _margin_ranked(
    features: F8,
    column: npt.NDArray[np.int32],
    cut: F8,
    cut_start: npt.NDArray[np.int32],
    split_start: npt.NDArray[np.int32],
    split_column: npt.NDArray[np.int32],
    split_rank: npt.NDArray[np.uint16],
    split_mask: _Masks,
    leaf: F8,
    baseline: float,
    out: F8,
) -> bool:
    ranks = np.zeros((max(column.shape[0], 1), _ROWS), np.uint16)
    values = np.empty((max(column.shape[0], 1), _ROWS))
    left = np.empty(_ROWS, split_mask.dtype)
    total = np.empty(_ROWS, np.float64)
    for start in range(0, features.shape[0], _ROWS):
        rows = min(_ROWS, features.shape[0] - start)
        if not _rank_block(features, start, rows, column, cut, cut_start, values, ranks):
            return False
        total[:] = baseline
        for t in range(leaf.shape[0]):
            left[:] = ~split_mask.dtype.type(0)
            for s in range(split_start[t], split_start[t + 1]):
                rank, mask, held = split_rank[s], split_mask[s], ranks[split_column[s]]
                for r in range(_ROWS):
                    left[r] = left[r] & mask if held[r] > rank else left[r]
            for r in range(_ROWS):
                total[r] += leaf[t, _lowest_bit(left[r])]
        out[start : start + rows] = total[:rows]
    return True
