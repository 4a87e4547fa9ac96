"""A boosted tree ensemble as flat arrays, evaluated by a compiled loop.

Knows nothing of the library that grew the trees, so that the images which only score carry no training code.
The margin is the baseline plus one leaf value per tree, added in the order of the trees: the same additions
in the same order for one row and for a batch, hence the same bits. Large batches take another way to the same leaves
(`ranked`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Final

import numba
import numpy as np
import numpy.typing as npt

from model.inference.ranked import RankedTrees, rank_trees

F8 = npt.NDArray[np.float64]

# Sixteen bytes, so that a node never straddles a cache line. Siblings are neighbours: right = left + 1.
NODE: Final = np.dtype(
    [("threshold", "<f8"), ("child", "<i4"), ("feature", "<i2"), ("missing_left", "u1"), ("is_leaf", "u1")]
)
ARRAYS: Final = ("threshold", "child", "feature", "missing_left", "is_leaf", "value", "root", "depth", "baseline")
# Rows walked level by level together: independent walks hide each other's memory latency.
_BLOCK_ROWS: Final = 64
# Below it, the level-by-level walk costs more than it hides.
_BLOCK_FROM_ROWS: Final = 8
# Below it, the ranked form costs more than it saves.
_RANKED_FROM_ROWS: Final = 32


@dataclass(frozen=True)  # no slots: the ranked form is kept beside the fields
class TreeEnsemble:
    """Trees of one ensemble, nodes breadth first, tree after tree.

    `nodes` NODE[k] and `value` f8[k] (leaf values, 0 in branches); `root` i4[t] index of each tree's first
    node; `depth` i4[t] branches on its longest path; `baseline` is the margin before the first tree. A leaf
    is its own left child under an infinite threshold, so that walking past it stays there.
    """

    nodes: npt.NDArray[np.void]
    value: F8
    root: npt.NDArray[np.int32]
    depth: npt.NDArray[np.int32]
    baseline: float

    @property
    def tree_count(self) -> int:
        return int(self.root.shape[0])

    def margin(self, features: F8) -> F8:
        """Log-odds before calibration: f8[n, F] -> f8[n].

        A NaN goes where the training library sent missing values.
        """
        if features.shape[0] >= _RANKED_FROM_ROWS and self._ranked is not None:
            found = self._ranked.margin(features)
            if found is not None:
                return found
        out = np.empty(features.shape[0], dtype=np.float64)
        if features.shape[0] < _BLOCK_FROM_ROWS:
            _margin_rows(features, self.nodes, self.value, self.root, self.baseline, out)
        else:
            _margin_blocks(features, self.nodes, self.value, self.root, self.depth, self.baseline, out)
        return out

    @cached_property
    def _ranked(self) -> RankedTrees | None:
        return rank_trees(self.nodes, self.value, self.root, self.baseline)

    def to_arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Plain arrays of ARRAYS, ready for a file without pickles."""
        fields = {name: np.ascontiguousarray(self.nodes[name]) for name in NODE.names or ()}
        return {
            **fields,
            "value": self.value,
            "root": self.root,
            "depth": self.depth,
            "baseline": np.array([self.baseline], dtype=np.float64),
        }


def from_arrays(arrays: Mapping[str, npt.NDArray[np.generic]]) -> TreeEnsemble:
    """The inverse of `to_arrays`. The caller has checked dtypes and shapes; see `problem_of`."""
    nodes = np.empty(arrays["threshold"].shape[0], dtype=NODE)
    for name in NODE.names or ():
        nodes[name] = arrays[name]
    return TreeEnsemble(
        nodes=nodes,
        value=np.ascontiguousarray(arrays["value"], dtype=np.float64),
        root=np.ascontiguousarray(arrays["root"], dtype=np.int32),
        depth=np.ascontiguousarray(arrays["depth"], dtype=np.int32),
        baseline=float(arrays["baseline"][0]),
    )


def problem_of(ensemble: TreeEnsemble, feature_count: int) -> str | None:
    """Why the compiled loop must not walk this ensemble, or None.

    The loop does not check its indices, so an ensemble that passes here can neither read outside the arrays
    nor fail to end at a leaf.
    """
    return next(chain(_wrong_values(ensemble, feature_count), _wrong_links(ensemble)), None)


def _wrong_values(ensemble: TreeEnsemble, feature_count: int) -> Iterator[str]:
    nodes, count = ensemble.nodes, ensemble.nodes.shape[0]
    if count == 0 or ensemble.tree_count == 0:
        yield "it holds no trees"
    if ensemble.value.shape != (count,) or ensemble.depth.shape != ensemble.root.shape:
        yield "its arrays differ in length"
    if not np.isfinite(ensemble.value).all() or not np.isfinite(ensemble.baseline):
        yield "a leaf value is not finite"
    if np.isnan(nodes["threshold"]).any():
        yield "a threshold is not a number"
    if nodes["feature"].min() < 0 or nodes["feature"].max() >= feature_count:
        yield f"a split uses a feature outside the {feature_count} declared ones"


def _wrong_links(ensemble: TreeEnsemble) -> Iterator[str]:
    nodes, count = ensemble.nodes, ensemble.nodes.shape[0]
    if ensemble.root[0] != 0 or (np.diff(ensemble.root) <= 0).any() or ensemble.root[-1] >= count:
        yield "its trees are not laid out one after the other"
    leaf, own, child = nodes["is_leaf"] == 1, np.arange(count), nodes["child"].astype(np.int64)
    end = np.append(ensemble.root[1:], count)[np.searchsorted(ensemble.root, own, side="right") - 1]
    if (child[leaf] != own[leaf]).any() or (nodes["threshold"][leaf] != np.inf).any():
        yield "a leaf leads on"
    if (nodes["missing_left"][leaf] != 1).any():
        yield "a leaf leads on where a value is missing"
    if (child[~leaf] <= own[~leaf]).any() or (child[~leaf] + 1 >= end[~leaf]).any():
        yield "a branch leads backwards or out of its tree"
    if (_longest_paths(ensemble) != ensemble.depth).any():
        yield "a tree is deeper or shallower than it says"


def _longest_paths(ensemble: TreeEnsemble) -> npt.NDArray[np.int32]:
    level = np.zeros(ensemble.nodes.shape[0], dtype=np.int32)
    # Children come after their parent, so one pass in order settles every level.
    for own in np.flatnonzero(ensemble.nodes["is_leaf"] == 0):
        child = int(ensemble.nodes["child"][own])
        level[child] = level[child + 1] = level[own] + 1
    return np.maximum.reduceat(level, ensemble.root)


@numba.njit(cache=True, inline="always")
def _step(nodes: npt.NDArray[np.void], k: int, x: float) -> int:
    left = (x <= nodes[k].threshold) | (math.isnan(x) & (nodes[k].missing_left != 0))
    return int(nodes[k].child + (1 - left))


@numba.njit(cache=True)
def _margin_rows(
    features: F8,
    nodes: npt.NDArray[np.void],
    value: F8,
    root: npt.NDArray[np.int32],
    baseline: float,
    out: F8,
) -> None:
    for i in range(features.shape[0]):
        total = baseline
        for t in range(root.shape[0]):
            k = int(root[t])
            while nodes[k].is_leaf == 0:
                k = _step(nodes, k, features[i, nodes[k].feature])
            total += value[k]
        out[i] = total


@numba.njit(cache=True)
def _margin_blocks(
    features: F8,
    nodes: npt.NDArray[np.void],
    value: F8,
    root: npt.NDArray[np.int32],
    depth: npt.NDArray[np.int32],
    baseline: float,
    out: F8,
) -> None:
    at = np.empty(_BLOCK_ROWS, np.int64)
    for start in range(0, features.shape[0], _BLOCK_ROWS):
        rows = min(_BLOCK_ROWS, features.shape[0] - start)
        out[start : start + rows] = baseline
        for t in range(root.shape[0]):
            at[:rows] = root[t]
            # No exit at a leaf: a walk of fixed length has no branch to mispredict.
            for _ in range(depth[t]):
                for r in range(rows):
                    k = at[r]
                    at[r] = _step(nodes, k, features[start + r, nodes[k].feature])
            for r in range(rows):
                out[start + r] += value[at[r]]
