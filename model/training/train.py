"""From a folder of history to an evaluated model version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import sklearn

from fraud_prevention.domain.errors import HistoryUnusable
from model.features.catalogue import CATALOGUE_VERSION, FEATURE_NAMES
from model.inference.scorer import TreeScorer, load_scorer
from model.registry.bundle import Manifest, write_bundle
from model.training.calibrate import build_tables
from model.training.fit import PARAMETERS, TREES, fit_trees
from model.training.history import DAY_MS, History, load_history
from model.training.metrics import Evaluation, evaluate
from model.training.vectors import vectors_of
from model.training.windows import Split, SplitPlan, split_by_time


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """`samples` bounds the transactions used, by leaving out whole customers; None uses all."""

    history: Path
    output: Path
    kind: str
    plan: SplitPlan
    seed: int = 7
    samples: int | None = None
    trees: int = TREES


@dataclass(frozen=True, slots=True)
class Progress:
    """Told what is being done: `stage` at each start, `replayed` (rows done, rows in all) during replay."""

    stage: Callable[[str], None]
    replayed: Callable[[int, int], None]


def train(request: TrainingRequest, progress: Progress) -> Manifest:
    """Train, calibrate, evaluate and write a version; it is not activated.

    Equal history, plan and seed give an equal version. Raises HistoryUnusable.
    """
    progress.stage("reading history")
    history = load_history(request.history)
    if request.samples is not None and request.samples < history.rows:
        history = sample_customers(history, request.samples, request.seed)
    split = split_by_time(history, request.plan)
    wanted = np.union1d(np.union1d(split.fit, split.calibration), split.test)
    progress.stage("replaying history through the feature kernel")
    last = int(wanted[-1]) + 1
    vectors = vectors_of(history, wanted, lambda done: progress.replayed(done, last))
    progress.stage(f"growing {request.trees} trees on {len(split.fit):,} transactions")
    fit, calibration = np.searchsorted(wanted, split.fit), np.searchsorted(wanted, split.calibration)
    ensemble = fit_trees(vectors[fit], split.fit_labels, FEATURE_NAMES, request.seed, request.trees)
    progress.stage("calibrating and evaluating")
    tables = build_tables(ensemble.margin(vectors[calibration]), split.calibration_labels)
    scorer = TreeScorer("unnamed", FEATURE_NAMES, CATALOGUE_VERSION, ensemble, tables)
    manifest = write_bundle(
        request.output,
        request.kind,
        {**ensemble.to_arrays(), **tables.to_arrays()},
        feature_names=FEATURE_NAMES,
        catalogue_version=CATALOGUE_VERSION,
        training=_describe(history, split, request),
        metrics=_measure(history, split, scorer, vectors[np.searchsorted(wanted, split.test)]),
    )
    load_scorer(request.output, manifest.version)  # what is about to be announced must pass the checks of a reader
    return manifest


def sample_customers(history: History, samples: int, seed: int) -> History:
    """History of a seeded choice of whole customers with at most `samples` transactions together.

    Whole customers, because a customer with gaps would have features that no customer has.
    """
    names, counts = np.unique(history.column("customer_id"), return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    chosen = names[order[np.cumsum(counts[order]) <= samples]]
    if len(chosen) == 0:
        raise HistoryUnusable(str(history.folder), f"no customer has as few as {samples} transactions")
    keep = np.isin(history.column("customer_id"), chosen)
    place = np.cumsum(keep) - 1
    labelled = keep[history.label_row]
    kept = history.transactions.column("transaction_id").filter(pa.array(keep))
    return replace(
        history,
        transactions=history.transactions.filter(keep),
        event_time=history.event_time[keep],
        label_row=place[history.label_row[labelled]],
        label_is_fraud=history.label_is_fraud[labelled],
        label_observed_at=history.label_observed_at[labelled],
        truth=None if history.truth is None else history.truth[keep],
        labels=_about(history.labels, kept),
        answers=None if history.answers is None else _about(history.answers, kept),
    )


def _about(table: pa.Table, ids: pa.ChunkedArray) -> pa.Table:
    """The rows about these transactions."""
    return table.filter(pc.is_in(table.column("transaction_id"), value_set=ids.combine_chunks()))


def evaluate_rows(
    history: History, rows: npt.NDArray[np.int64], scores: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_]
) -> Evaluation:
    """Figures of the given rows of a history; days are UTC. Raises ValueError, see `evaluate`."""
    cards, customers = history.column("card_token")[rows], history.column("customer_id")[rows]
    return evaluate(history.event_time[rows] // DAY_MS, cards, customers, scores, labels)


def _measure(history: History, split: Split, scorer: TreeScorer, vectors: npt.NDArray[np.float64]) -> dict[str, float]:
    if not split.test_labels.any() or split.test_labels.all():
        return {}
    scores = scorer.score(vectors)
    figures = evaluate_rows(history, split.test, scores.probability, split.test_labels).as_figures()
    error = (scores.probability - split.test_labels) ** 2
    return {**figures, "brier_score": float(error.mean()), "mean_probability": float(scores.probability.mean())}


def _describe(history: History, split: Split, request: TrainingRequest) -> dict[str, Any]:
    """What the version was made from, without the clock: equal input gives equal text."""
    ids = pc.fill_null(history.transactions.column("transaction_id"), "").to_pylist()
    digest = sha256("\n".join(ids).encode())
    for part in (history.event_time, split.fit, split.fit_labels, split.calibration, split.calibration_labels):
        digest.update(np.ascontiguousarray(part).tobytes())
    plan = asdict(request.plan)
    return {
        "data_sha256": digest.hexdigest(),
        "live_ms": split.live_ms,
        "plan": plan,
        "seed": request.seed,
        "samples": request.samples,
        "library": f"scikit-learn {sklearn.__version__}",
        "parameters": {**PARAMETERS, "max_iter": request.trees},
        "rows": {"fit": len(split.fit), "calibration": len(split.calibration), "test": len(split.test)},
        "frauds": {"fit": int(split.fit_labels.sum()), "calibration": int(split.calibration_labels.sum())},
        "measured_on": "truth" if history.truth is not None else "labels",
    }
