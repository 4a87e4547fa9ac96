"""Loads the compiled loops from their cache (or compiles them into it), so that no record waits for that."""

from __future__ import annotations

import numpy as np

from data_pipeline.stream.bundle import Bundle
from fraud_prevention.policy.json_rows import warm_writer
from model.features.catalogue import FEATURE_COUNT
from model.features.engine import BatchSpan, compute_batch
from model.features.record import ENTRY


def warm_kernels(bundle: Bundle) -> None:
    """Run every compiled loop once: the features on a blank event, the model on one row and on some, the writer."""
    event = np.zeros(1, ENTRY)
    compute_batch(event, np.zeros(1, np.int32), ["warm"], [None], BatchSpan(0, 0, 0, 0))
    for rows in (1, 100):
        bundle.scorer.score(np.zeros((rows, FEATURE_COUNT)))
    warm_writer()
