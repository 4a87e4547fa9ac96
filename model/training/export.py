"""Takes the trees out of scikit-learn's histogram gradient boosting.

The only module that reads the library's private node layout; a test compares every margin with the library's
own, so a release that changes the layout cannot pass unseen.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from model.inference.trees import NODE, TreeEnsemble


def export_ensemble(classifier: HistGradientBoostingClassifier) -> TreeEnsemble:
    """Flat arrays of a fitted two-class model; raises ValueError for several classes or categorical splits."""
    trees = [_flatten(stage) for stage in classifier._predictors]  # noqa: SLF001  # no public way
    sizes = np.array([nodes.shape[0] for nodes, _, _ in trees])
    root = np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int32)
    nodes = np.concatenate([nodes for nodes, _, _ in trees])
    nodes["child"] += np.repeat(root, sizes)
    return TreeEnsemble(
        nodes=nodes,
        value=np.concatenate([value for _, value, _ in trees]),
        root=root,
        depth=np.array([depth for _, _, depth in trees], dtype=np.int32),
        baseline=float(classifier._baseline_prediction.ravel()[0]),  # noqa: SLF001  # no public way
    )


def _flatten(stage: list[object]) -> tuple[npt.NDArray[np.void], npt.NDArray[np.float64], int]:
    """Nodes of one tree breadth first (children relative to the tree), leaf values, depth."""
    if len(stage) != 1:
        raise ValueError("only two classes are supported: one tree a stage")
    grown: npt.NDArray[np.void] = stage[0].nodes  # type: ignore[attr-defined]  # private, has no types
    if grown["is_categorical"].any():
        raise ValueError("categorical splits are not supported: encode categories as numbers in the catalogue")
    order, child = [0], []
    # Grows while it is walked: breadth first, at most once per node.
    for position, k in enumerate(order):
        if grown["is_leaf"][k]:
            child.append(position)
        else:
            child.append(len(order))
            order += [int(grown["left"][k]), int(grown["right"][k])]
    grown = grown[order]
    leaf = grown["is_leaf"] == 1
    nodes = np.empty(len(order), dtype=NODE)
    nodes["threshold"] = np.where(leaf, np.inf, grown["num_threshold"])
    nodes["child"] = child
    nodes["feature"] = np.where(leaf, 0, grown["feature_idx"])
    nodes["missing_left"] = np.where(leaf, 1, grown["missing_go_to_left"])
    nodes["is_leaf"] = leaf
    return nodes, np.where(leaf, grown["value"], 0.0), int(grown["depth"].max())
