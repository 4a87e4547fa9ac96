"""Training learns only from what was known, and gives the same version twice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from fraud_prevention.domain.errors import HistoryUnusable
from model.features.catalogue import FEATURE_COUNT
from model.inference.scorer import load_scorer
from model.registry.bundle import Manifest
from model.training.history import DAY_MS, FRAUD, GOOD, UNKNOWN, History, load_history
from model.training.offline_week import DaySpan, evaluate_scores, offline_scores
from model.training.train import Progress, TrainingRequest, sample_customers, train
from model.training.vectors import vectors_of
from model.training.windows import SplitPlan, measured_labels, split_by_time

DAYS, CUSTOMERS, PER_DAY = 24, 120, 4
PLAN = SplitPlan(maturity_days=3, calibration_days=5, test_days=4, warm_up_days=1)
SILENT = Progress(stage=lambda _: None, replayed=lambda _, __: None)


def make_world() -> tuple[pa.Table, pa.Table, pa.Table]:
    """Transactions of customers with a usual amount, each tenth with a burst of large ones; labels two days late."""
    rng = np.random.default_rng(11)
    count = DAYS * CUSTOMERS * PER_DAY
    customer = rng.integers(0, CUSTOMERS, count)
    time = rng.integers(0, DAYS * DAY_MS, count)
    is_fraud = (customer % 10 == 0) & (time // DAY_MS % 6 == customer // 10 % 6)
    usual = 2_000 + 200 * (customer % 30)
    amount = (usual * rng.lognormal(0, 0.3, count) * np.where(is_fraud, 8, 1)).astype(np.int64)
    order = np.argsort(time, kind="stable")
    customer, time, is_fraud, amount = customer[order], time[order], is_fraud[order], amount[order]
    merchant = rng.integers(0, 50, count)
    ids = [f"t{i}" for i in range(count)]
    history = {
        "transaction_id": ids,
        "event_time": time,
        "utc_offset_min": np.zeros(count, np.int64),
        "customer_id": [f"c{c}" for c in customer],
        "card_token": [f"k{c}" for c in customer],
        "merchant_id": [f"m{m}" for m in merchant],
        "mcc": ["5411"] * count,
        "amount_minor": amount,
        "currency": ["EUR"] * count,
        "amount_base_minor": amount,
        "merchant_country": ["NL"] * count,
        "channel": ["chip"] * count,
    }
    marked = np.flatnonzero(is_fraud)
    labels = {
        "transaction_id": [ids[i] for i in marked],
        "customer_id": [f"c{customer[i]}" for i in marked],
        "merchant_id": [f"m{merchant[i]}" for i in marked],
        "terminal_id": pa.nulls(len(marked), pa.string()),
        "event_time": time[marked],
        "is_fraud": np.ones(len(marked), np.bool_),
        "observed_at": time[marked] + 2 * DAY_MS,
    }
    return pa.table(history), pa.table(labels), pa.table({"transaction_id": ids, "is_fraud": is_fraud})


def write_world(folder: Path, history: pa.Table, labels: pa.Table, truth: pa.Table | None = None) -> Path:
    folder.mkdir()
    pq.write_table(history, folder / "history.parquet")
    pq.write_table(labels, folder / "labels.parquet")
    if truth is not None:
        pq.write_table(truth, folder / "truth.parquet")
    return folder


@pytest.fixture(scope="module")
def world() -> tuple[pa.Table, pa.Table, pa.Table]:
    return make_world()


@pytest.fixture(scope="module")
def folder(world: tuple[pa.Table, pa.Table, pa.Table], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("history") / "world", *world)


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Manifest]:
    output = tmp_path_factory.mktemp("models")
    return output, train(request(folder, output), SILENT)


def request(folder: Path, output: Path, **changes: Any) -> TrainingRequest:
    return TrainingRequest(folder, output, "hgb", **{"plan": PLAN, "seed": 7, "trees": 20, **changes})


def history_of(event_time: list[int], labels: list[tuple[int, bool, int]]) -> History:
    """A history of bare times (days) with labels (row, is_fraud, observed on day)."""
    row, is_fraud, observed = (np.array([label[i] for label in labels]) for i in range(3))
    ids = pa.table({"transaction_id": [str(i) for i in range(len(event_time))]})
    times = np.array(event_time) * DAY_MS
    return History(
        Path("here"), ids, times, row, is_fraud.astype(np.bool_), observed * DAY_MS, None, ids.slice(0, 0), None
    )


def test_transaction_without_a_label_is_unknown_until_it_has_matured() -> None:
    known = history_of([0, 3, 4], [(0, True, 1)]).labels_known(10 * DAY_MS, 7 * DAY_MS)
    assert known.tolist() == [FRAUD, GOOD, UNKNOWN]


def test_label_counts_from_when_it_was_observed_and_a_later_one_reverses_it() -> None:
    history = history_of([0, 0], [(0, False, 6), (0, True, 2), (1, True, 9)])
    assert history.labels_known(1 * DAY_MS, 0).tolist() == [GOOD, GOOD]
    assert history.labels_known(5 * DAY_MS, 0).tolist() == [FRAUD, GOOD]
    assert history.labels_known(6 * DAY_MS, 0).tolist() == [GOOD, GOOD]
    assert history.labels_known(9 * DAY_MS, 0).tolist() == [GOOD, FRAUD]


def test_fraud_that_is_known_before_it_has_matured_does_not_count_alone() -> None:
    # Else the youngest days would seem to be all fraud.
    assert history_of([9], [(0, True, 10)]).labels_known(10 * DAY_MS, 7 * DAY_MS).tolist() == [UNKNOWN]


def test_windows_follow_each_other_with_the_label_delay_between(folder: Path) -> None:
    history = load_history(folder)
    split = split_by_time(history, PLAN)
    time = history.event_time
    assert time[split.fit].max() < time[split.calibration].min()
    assert time[split.calibration].max() <= split.live_ms - 3 * DAY_MS
    assert split.live_ms <= time[split.test].min()
    shorter = split_by_time(history, replace(PLAN, fit_days=5))
    assert time[shorter.fit].min() >= time[split.calibration].min() // DAY_MS * DAY_MS - 5 * DAY_MS
    assert (shorter.calibration == split.calibration).all()
    assert split.fit_labels.any()
    assert split.calibration_labels.any()


def test_equal_history_and_seed_give_an_equal_version(
    folder: Path, trained: tuple[Path, Manifest], tmp_path: Path
) -> None:
    assert train(request(folder, tmp_path), SILENT) == trained[1]


def test_labels_younger_than_the_delay_change_no_score(
    world: tuple[pa.Table, pa.Table, pa.Table], trained: tuple[Path, Manifest], tmp_path: Path
) -> None:
    history, labels, truth = world
    live_ms = trained[1].training["live_ms"]
    old = labels.filter(pc.less_equal(labels.column("observed_at"), live_ms))
    assert 0 < old.num_rows < labels.num_rows
    hidden = write_world(tmp_path / "hidden", history, old, truth)
    assert train(request(hidden, tmp_path / "models"), SILENT).version == trained[1].version


def test_truth_is_never_learned_from(
    world: tuple[pa.Table, pa.Table, pa.Table], trained: tuple[Path, Manifest], tmp_path: Path
) -> None:
    without = write_world(tmp_path / "without", *world[:2])
    manifest = train(request(without, tmp_path / "models"), SILENT)
    assert manifest.version == trained[1].version
    assert manifest.training["measured_on"] == "labels"


def test_model_finds_the_bursts(trained: tuple[Path, Manifest]) -> None:
    metrics = trained[1].metrics
    assert metrics["auc"] > 0.95
    assert metrics["average_precision"] > 0.8
    assert metrics["mean_probability"] == pytest.approx(metrics["frauds"] / metrics["transactions"], rel=0.5)


def test_offline_span_has_the_figures_of_the_test_window(folder: Path, trained: tuple[Path, Manifest]) -> None:
    history, scorer = load_history(folder), load_scorer(*trained[:1], trained[1].version)
    span = DaySpan(trained[1].training["live_ms"], 4)
    ids, scores = offline_scores(history, scorer, span)
    figures = evaluate_scores(ids, scores, history, span)
    assert figures.scored == figures.transactions == len(ids)
    assert figures.evaluation.average_precision == trained[1].metrics["average_precision"]
    # Live decisions come in another order, repeated, and with those of other days among them.
    shuffled = [*ids[::-1], "t0", ids[0]]
    again = evaluate_scores(shuffled, np.append(scores[::-1], [1.0, 0.0]), history, span)
    assert again == figures


def test_offline_span_without_truth_has_the_figures_of_the_test_window(
    world: tuple[pa.Table, pa.Table, pa.Table], trained: tuple[Path, Manifest], tmp_path: Path
) -> None:
    folder = write_world(tmp_path / "without", *world[:2])
    manifest = train(request(folder, tmp_path / "models"), SILENT)
    history, scorer = load_history(folder), load_scorer(*trained[:1], trained[1].version)
    span = DaySpan(manifest.training["live_ms"], 4)
    figures = evaluate_scores(*offline_scores(history, scorer, span), history, span, PLAN.maturity_days)
    assert figures.scored == figures.transactions > manifest.training["rows"]["test"]
    assert {**manifest.metrics, **figures.evaluation.as_figures()} == manifest.metrics


def test_transactions_that_have_not_matured_are_not_measured_as_good() -> None:
    history = history_of([0, 3, 9], [(0, True, 1)])
    assert measured_labels(history, 10 * DAY_MS, 7 * DAY_MS).tolist() == [FRAUD, GOOD, UNKNOWN]
    assert measured_labels(history, 0, 7 * DAY_MS).tolist() == [FRAUD, UNKNOWN, UNKNOWN]


def test_span_without_transactions_has_no_scores(folder: Path, trained: tuple[Path, Manifest]) -> None:
    history, scorer = load_history(folder), load_scorer(*trained[:1], trained[1].version)
    span = DaySpan(400 * DAY_MS, 1)
    ids, scores = offline_scores(history, scorer, span)
    assert (ids, scores.shape) == ([], (0,))
    assert vectors_of(history, span.rows_of(history)).shape == (0, FEATURE_COUNT)
    with pytest.raises(HistoryUnusable, match="both frauds and good"):
        evaluate_scores(ids, scores, history, span)


def test_verdict_that_is_missing_is_not_a_good_one(world: tuple[pa.Table, pa.Table, pa.Table], tmp_path: Path) -> None:
    history, labels, truth = world
    blank = pa.array([None, *[True] * (labels.num_rows - 1)])
    unsure = labels.set_column(labels.column_names.index("is_fraud"), "is_fraud", blank)
    known = pa.array([None, *truth.column("is_fraud").to_pylist()[1:]])
    found = load_history(write_world(tmp_path / "w", history, unsure, truth.set_column(1, "is_fraud", known)))
    assert len(found.label_row) == labels.num_rows - 1
    assert found.label_is_fraud.all()
    assert found.truth is not None
    assert found.truth[0] == UNKNOWN
    assert set(found.truth[1:].tolist()) == {GOOD, FRAUD}


def test_span_that_was_scored_in_part_says_so(folder: Path) -> None:
    history = load_history(folder)
    span = DaySpan(8 * DAY_MS, 6)
    rows = span.rows_of(history)
    ids = history.transactions.column("transaction_id").take(pa.array(rows)).to_pylist()
    figures = evaluate_scores(ids[:500], np.linspace(0, 1, 500), history, span)
    assert (figures.scored, figures.transactions) == (500, len(rows))
    with pytest.raises(HistoryUnusable, match="both frauds and good"):
        evaluate_scores([], np.empty(0), history, span)


def test_kept_vectors_do_not_depend_on_which_rows_are_wanted(folder: Path) -> None:
    history = load_history(folder)
    everything = vectors_of(history, np.arange(history.rows))
    some = np.arange(5, history.rows, 7)
    assert (vectors_of(history, some) == everything[some]).all()


def test_samples_keep_whole_customers(folder: Path) -> None:
    history = load_history(folder)
    sample = sample_customers(history, 3_000, seed=1)
    assert 2_000 < sample.rows <= 3_000
    full, part = history.column("customer_id"), sample.column("customer_id")
    assert sample.rows == np.isin(full, np.unique(part)).sum()
    marked = sample.column("transaction_id")[sample.label_row[sample.label_is_fraud]]
    assert sample.truth is not None
    assert set(marked) == set(sample.column("transaction_id")[sample.truth == FRAUD])


def test_history_without_enough_frauds_says_what_to_do(
    world: tuple[pa.Table, pa.Table, pa.Table], tmp_path: Path
) -> None:
    few = write_world(tmp_path / "few", world[0], world[1].slice(0, 3))
    with pytest.raises(HistoryUnusable, match="longer history"):
        train(request(few, tmp_path / "models"), SILENT)
    with pytest.raises(HistoryUnusable, match="fraud generate"):
        load_history(tmp_path / "nowhere")


def test_manifest_is_plain_json_without_a_clock(trained: tuple[Path, Manifest]) -> None:
    fields = json.loads((trained[0] / trained[1].version / "manifest.json").read_text())
    assert fields["training"]["seed"] == 7
    assert fields["training"]["rows"]["fit"] > fields["training"]["rows"]["calibration"]
