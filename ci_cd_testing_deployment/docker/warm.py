"""Runs every compiled loop of an image once while it is built, so that its machine code lies in the image's cache.

`warm.py decision-api|pipeline|trainer|producer`, with the image's own files on the path and NUMBA_CACHE_DIR set.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np


def write_smallest_model(directory: Path) -> None:
    """One tree of one leaf: what a scorer loads, and walks, as any other."""
    from model.features.catalogue import CATALOGUE_VERSION, FEATURE_NAMES
    from model.inference.tables import ScoreTables
    from model.inference.trees import NODE, TreeEnsemble
    from model.registry.bundle import write_bundle
    from model.registry.versions import activate

    leaf = np.zeros(1, NODE)
    leaf["threshold"], leaf["is_leaf"], leaf["missing_left"] = np.inf, 1, 1
    trees = TreeEnsemble(leaf, np.zeros(1), np.zeros(1, np.int32), np.zeros(1, np.int32), 0.0)
    ends = np.array([-1.0, 1.0])
    tables = ScoreTables(ends, ends, ends, np.array([0.0, 1.0]))
    written = write_bundle(
        directory,
        "hgb",
        {**trees.to_arrays(), **tables.to_arrays()},
        feature_names=FEATURE_NAMES,
        catalogue_version=CATALOGUE_VERSION,
        training={},
        metrics={},
    )
    activate(directory, written.version)


def warm_api(models: Path) -> None:
    from config import ModelSettings
    from fraud_prevention.bootstrap import load_brain

    load_brain(ModelSettings(directory=models))


def warm_stream(models: Path) -> None:
    from config import ModelSettings
    from data_pipeline.stream.bundle import load_bundle, publish_bundle
    from data_pipeline.stream.warm import warm_kernels

    settings = ModelSettings(directory=models)
    bundles = models.parent / "bundles"
    warm_kernels(load_bundle(bundles, models, publish_bundle(bundles, models, settings.policy_file)))


def main(image: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        write_smallest_model(models)
        {"decision-api": warm_api, "pipeline": warm_stream}[image](models)


if __name__ == "__main__":
    main(sys.argv[1])
