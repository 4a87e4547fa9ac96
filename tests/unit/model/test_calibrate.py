"""Score tables keep the order, are calibrated, and rank good traffic."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from model.inference.tables import table_problem_of
from model.training.calibrate import build_tables

Sample = tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]


@pytest.fixture(scope="module")
def sample() -> Sample:
    """Margins of 40,000 transactions whose true log odds are 0.8 × margin − 1."""
    rng = np.random.default_rng(2)
    margin = rng.normal(-6, 2, 40_000)
    return margin, rng.random(40_000) < 1 / (1 + np.exp(1 - 0.8 * margin))


def test_probability_is_the_share_of_fraud(sample: Sample) -> None:
    margin, labels = sample
    tables = build_tables(margin, labels)
    assert table_problem_of(tables) is None
    probability = tables.probability(margin)
    assert probability.mean() == pytest.approx(labels.mean(), rel=0.02)
    high = margin > -3
    assert probability[high].mean() == pytest.approx(labels[high].mean(), rel=0.1)


def test_two_margins_never_share_a_probability_even_beyond_the_slice(sample: Sample) -> None:
    tables = build_tables(*sample)
    assert (np.diff(tables.probability(np.linspace(-30, 20, 5_000))) > 0).all()


def test_risk_score_is_the_share_of_good_traffic_strictly_below(sample: Sample) -> None:
    margin, labels = sample
    good = np.sort(margin[~labels])
    asked = good[[30_000, 38_000, -200, -2, -1]]
    expected = np.searchsorted(good, asked, side="left") / len(good)
    assert np.abs(build_tables(margin, labels).risk_score(asked) - expected).max() < 1e-3
    above = np.array([good[-1] + 1e-6, good[-1] + 10])
    assert build_tables(margin, labels).risk_score(above).tolist() == [1.0, 1.0]


def test_plain_traffic_shares_the_lowest_risk_score() -> None:
    rng = np.random.default_rng(4)
    labels = np.arange(20_000) % 200 == 0
    margin = np.where(labels, 3.0, -8.0) + rng.normal(0, 1, 20_000)
    risk = build_tables(margin, labels).risk_score(margin)
    assert (risk[~labels] == 0).mean() == pytest.approx(0.6, abs=0.01)
    assert risk[labels].min() > 0.99


def test_traffic_in_which_fraud_hides_is_not_called_plain() -> None:
    margin = np.random.default_rng(4).normal(size=20_000)
    labels = np.arange(20_000) % 50 == 0
    assert (build_tables(margin, labels).risk_score(margin) == 0).mean() < 0.05


def test_slice_that_contradicts_the_trees_keeps_their_order() -> None:
    margin = np.linspace(-5, 5, 100)
    tables = build_tables(margin, margin < -4)
    assert table_problem_of(tables) is None
    assert (np.diff(tables.probability(margin)) > 0).all()


def test_good_traffic_of_one_margin_has_a_table() -> None:
    margin = np.array([-2.0, -2.0, -2.0, 1.0])
    tables = build_tables(margin, np.array([False, False, False, True]))
    assert table_problem_of(tables) is None
    assert tables.risk_score(np.array([-3.0, -2.0, -1.9])).tolist() == [0.0, 0.0, 1.0]
