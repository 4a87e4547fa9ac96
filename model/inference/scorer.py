"""The in-process scorer: features in; margin, probability and risk score out.

Loads a bundle of flat trees and tables, checks all it says, and from then on only computes. Needs numpy and
numba alone, so that the images which score carry no training library.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from fraud_prevention.domain.errors import ArtefactRefused
from fraud_prevention.ports import Scores
from model.features.catalogue import CATALOGUE_VERSION, FEATURE_NAMES
from model.inference.tables import TABLE_ARRAYS, ScoreTables, table_problem_of
from model.inference.trees import ARRAYS, TreeEnsemble, from_arrays, problem_of
from model.registry.bundle import Arrays, Manifest, read_bundle
from model.registry.versions import active_version

KIND: Final = "hgb"
_DTYPES: Final = {
    "threshold": "<f8",
    "child": "<i4",
    "feature": "<i2",
    "missing_left": "|u1",
    "is_leaf": "|u1",
    "value": "<f8",
    "root": "<i4",
    "depth": "<i4",
    "baseline": "<f8",
    **dict.fromkeys(TABLE_ARRAYS, "<f8"),
}


@dataclass(frozen=True, slots=True)
class TreeScorer:
    """Boosted trees with their calibration. Safe to share between threads."""

    model_version: str
    feature_names: tuple[str, ...]
    catalogue_version: str
    ensemble: TreeEnsemble
    tables: ScoreTables

    def score(self, features: npt.NDArray[np.float64]) -> Scores:
        """Scores of float64[n, F], columns in the order of `feature_names`.

        The same row gives the same bits alone and in any batch. Raises ValueError for another width.
        """
        if features.ndim != 2 or features.shape[1] != len(self.feature_names):
            raise ValueError(f"expected rows of {len(self.feature_names)} features, got shape {features.shape}")
        margin = self.ensemble.margin(np.ascontiguousarray(features, dtype=np.float64))
        return Scores(margin, self.tables.probability(margin), self.tables.risk_score(margin))


def load_scorer(
    directory: Path,
    version: str | None = None,
    *,
    feature_names: tuple[str, ...] = FEATURE_NAMES,
    catalogue_version: str = CATALOGUE_VERSION,
) -> TreeScorer:
    """The given version, else the active one, for the catalogue of this process.

    Raises ArtefactRefused, with what is wrong and what to do, before anything is scored.
    """
    chosen = version or active_version(directory)
    if chosen is None:
        raise ArtefactRefused(str(directory), "no model is active; run `fraud train` or `fraud models activate`")
    bundle = read_bundle(directory, chosen)
    where, manifest = str(directory / chosen), bundle.manifest
    if manifest.kind != KIND:
        raise ArtefactRefused(where, f"it is of kind {manifest.kind}, this scorer reads {KIND}")
    _check_schema(where, manifest, feature_names, catalogue_version)
    return scorer_of(where, manifest, bundle.arrays)


def scorer_of(where: str, manifest: Manifest, arrays: Arrays) -> TreeScorer:
    """A scorer of checked arrays; `where` is named when one is refused. Raises ArtefactRefused."""
    if set(arrays) != set(_DTYPES):
        odd = ", ".join(sorted(set(arrays) ^ set(_DTYPES)))
        raise ArtefactRefused(where, f"the weights lack, or have no use for, these arrays: {odd}")
    for name, dtype in _DTYPES.items():
        if arrays[name].dtype != np.dtype(dtype) or arrays[name].ndim != 1:
            raise ArtefactRefused(where, f"array {name} is not a list of {dtype}")
    if len({arrays[name].shape for name in ARRAYS[:6]}) != 1 or arrays["baseline"].shape != (1,):
        raise ArtefactRefused(where, "the arrays of the nodes differ in length")
    ensemble = from_arrays(arrays)
    tables = ScoreTables(**{name: np.ascontiguousarray(arrays[name], dtype=np.float64) for name in TABLE_ARRAYS})
    problem = problem_of(ensemble, len(manifest.feature_names)) or table_problem_of(tables)
    if problem is not None:
        raise ArtefactRefused(where, problem)
    return TreeScorer(manifest.version, manifest.feature_names, manifest.catalogue_version, ensemble, tables)


def _check_schema(where: str, manifest: Manifest, names: tuple[str, ...], catalogue_version: str) -> None:
    if manifest.feature_names != names:
        theirs = manifest.feature_names
        place = next((i for i, (a, b) in enumerate(zip(theirs, names, strict=False)) if a != b), -1)
        detail = (
            f"feature {place} is {theirs[place]}, the catalogue has {names[place]}"
            if place >= 0
            else f"it has {len(theirs)} features, the catalogue {len(names)}"
        )
        raise ArtefactRefused(where, f"it was trained on other features or another order ({detail}); train it anew")
    if manifest.catalogue_version != catalogue_version:
        raise ArtefactRefused(
            where,
            f"it was trained with catalogue {manifest.catalogue_version}, this is {catalogue_version}; train it anew",
        )
