"""The figures mean what the benchmark's protocol says."""

from __future__ import annotations

import numpy as np
import pytest

from model.training.metrics import card_precision_top_k, evaluate, recall_at_good_share


def array(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array(values, dtype=np.float64)


def test_card_counts_with_its_highest_score_and_its_highest_label() -> None:
    days = np.zeros(4, dtype=np.int64)
    cards = np.array(["a", "a", "b", "c"])
    # The fraud of card a is its low transaction; its high one brings it to the top.
    labels = np.array([True, False, False, False])
    assert card_precision_top_k(days, cards, array(0.1, 0.9, 0.5, 0.4), labels, k=1) == 1.0
    assert card_precision_top_k(days, cards, array(0.1, 0.2, 0.5, 0.4), labels, k=2) == 0.0


def test_caught_card_leaves_the_days_that_follow() -> None:
    days = np.array([1, 1, 2, 2, 3])
    cards = np.array([7, 8, 7, 8, 7])
    labels = np.array([True, False, True, False, True])
    scores = array(0.9, 0.1, 0.9, 0.1, 0.9)
    assert card_precision_top_k(days, cards, scores, labels, k=1) == pytest.approx(1 / 3)
    # Missed on its first two days, it is still there to be caught on the third.
    missed = array(0.1, 0.9, 0.1, 0.9, 0.9)
    assert card_precision_top_k(days, cards, missed, labels, k=1) == pytest.approx(1 / 3)


def test_day_counts_in_full_where_fewer_cards_than_k_are_left() -> None:
    labels = np.array([True, True])
    assert card_precision_top_k(np.zeros(2), np.array([1, 2]), array(0.3, 0.2), labels, k=100) == 0.02


def test_equal_scores_do_not_depend_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(0)
    days, cards = rng.integers(0, 3, 600), rng.integers(0, 200, 600)
    labels, scores = rng.random(600) < 0.2, np.round(rng.random(600), 1)
    order = rng.permutation(600)
    once = card_precision_top_k(days, cards, scores, labels, k=20)
    assert card_precision_top_k(days[order], cards[order], scores[order], labels[order], k=20) == once


def test_recall_leaves_ninety_nine_of_a_hundred_good_customers_alone() -> None:
    customers = np.concatenate([np.arange(200), np.arange(200, 204)])
    scores = np.concatenate([np.linspace(0, 0.995, 200), array(0.999, 0.986, 0.984, 0.5)])
    labels = customers >= 200
    # 200 good customers: two may be hit, so the third highest (0.985) is the threshold.
    assert recall_at_good_share(customers, scores, labels) == 0.5


def test_recall_does_not_count_a_victim_as_a_good_customer() -> None:
    customers = np.array([1, 1, 2])
    labels = np.array([True, False, False])
    assert recall_at_good_share(customers, array(0.6, 0.9, 0.5), labels) == 1.0


def test_perfect_scores_have_perfect_figures() -> None:
    labels = np.arange(500) % 5 == 0
    keys = np.arange(500)
    figures = evaluate(np.zeros(500), keys, keys, labels.astype(np.float64), labels)
    assert figures.auc == figures.average_precision == figures.recall_at_1pct_good_customers == 1.0
    assert figures.card_precision_at_100 == 1.0
    assert (figures.transactions, figures.frauds) == (500, 100)


def test_figures_without_any_fraud_are_refused() -> None:
    keys = np.arange(3)
    with pytest.raises(ValueError, match="both"):
        evaluate(keys, keys, keys, np.zeros(3), np.zeros(3, dtype=np.bool_))
