"""The compiled trees say exactly what the library that grew them says."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from model.inference.ranked import rank_trees
from model.inference.tables import logistic
from model.inference.trees import TreeEnsemble, from_arrays, problem_of
from model.training.export import export_ensemble

ROWS, FEATURES = 60_000, 24
Matrix = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def grown() -> tuple[HistGradientBoostingClassifier, Matrix]:
    rng = np.random.default_rng(3)
    features = np.round(rng.normal(size=(ROWS, FEATURES)) * 40, 1)
    features[rng.random(features.shape) < 0.02] = np.nan
    signal = np.nan_to_num(features)
    target = signal[:, 0] + signal[:, 1] * signal[:, 2] / 40 + rng.normal(size=ROWS) * 20 > 90
    classifier = HistGradientBoostingClassifier(max_iter=200, early_stopping=False, random_state=0)
    return classifier.fit(features[:5_000], target[:5_000]), features


@pytest.fixture(scope="module")
def ensemble(grown: tuple[HistGradientBoostingClassifier, Matrix]) -> TreeEnsemble:
    return export_ensemble(grown[0])


def test_margin_is_bit_equal_to_the_library(
    grown: tuple[HistGradientBoostingClassifier, Matrix], ensemble: TreeEnsemble
) -> None:
    classifier, features = grown
    assert ensemble.tree_count == 200
    expected = classifier.decision_function(features)
    assert np.abs(ensemble.margin(features) - expected).max() == 0.0
    ours, theirs = logistic(ensemble.margin(features)), classifier.predict_proba(features)[:, 1]
    assert (np.abs(ours - theirs) <= np.spacing(theirs)).all()


def test_one_row_scores_as_in_a_batch(
    grown: tuple[HistGradientBoostingClassifier, Matrix], ensemble: TreeEnsemble
) -> None:
    features = grown[1][:1_000]
    alone = np.concatenate([ensemble.margin(features[i : i + 1]) for i in range(len(features))])
    assert (alone == ensemble.margin(features)).all()
    assert (ensemble.margin(features[::2]) == ensemble.margin(features)[::2]).all()


@pytest.mark.parametrize("leaves", [2, 7, 16, 17, 31, 33, 64, 65])
@pytest.mark.parametrize("rows", [31, 32, 127, 128, 129, 1_000])
def test_ranked_form_gives_the_bits_of_the_walk(leaves: int, rows: int) -> None:
    grown, features = small(leaves)
    assert grown.tree_count == 30
    ranked = rank_trees(grown.nodes, grown.value, grown.root, grown.baseline)
    assert (ranked is None) == (leaves > 64)
    walked = np.concatenate([grown.margin(features[i : i + 1]) for i in range(rows)])
    assert (grown.margin(features[:rows]) == walked).all()
    if ranked is not None:
        found = ranked.margin(features[:rows])
        assert found is not None
        assert (found == walked).all()


@cache
def small(leaves: int) -> tuple[TreeEnsemble, Matrix]:
    """Values on the thresholds, beyond all of them, and infinite ones among the usual; no NaN."""
    rng = np.random.default_rng(leaves)
    features = np.round(rng.normal(size=(1_000, 9)) * 20)
    target = features[:, 0] + features[:, 1] * features[:, 2] / 20 + rng.normal(size=1_000) * 5 > 0
    classifier = HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=leaves, min_samples_leaf=2, random_state=0)
    grown = export_ensemble(classifier.fit(features, target))
    thresholds = grown.nodes["threshold"][grown.nodes["is_leaf"] == 0]
    features[::3] = rng.choice(thresholds, features[::3].shape)
    features[1::50] = rng.choice([np.inf, -np.inf, 1e300, 0.0, -0.0], features[1::50].shape)
    return grown, features


def test_ranked_form_declines_what_is_not_a_number() -> None:
    grown, features = small(16)
    ranked = rank_trees(grown.nodes, grown.value, grown.root, grown.baseline)
    assert ranked is not None
    holed = features.copy()
    holed[700, 0] = np.nan
    assert ranked.margin(holed) is None
    walked = np.concatenate([grown.margin(holed[i : i + 1]) for i in range(len(holed))])
    assert (grown.margin(holed) == walked).all()


def test_single_leaf_is_an_ensemble_too() -> None:
    leaf = from_arrays(
        {
            "threshold": np.array([np.inf]),
            "child": np.array([0], np.int32),
            "feature": np.array([0], np.int16),
            "missing_left": np.array([1], np.uint8),
            "is_leaf": np.array([1], np.uint8),
            "value": np.array([0.25]),
            "root": np.array([0], np.int32),
            "depth": np.array([0], np.int32),
            "baseline": np.array([-1.0]),
        }
    )
    assert problem_of(leaf, 1) is None
    assert (leaf.margin(np.zeros((100, 1))) == -0.75).all()


def test_arrays_give_the_same_ensemble_back(
    grown: tuple[HistGradientBoostingClassifier, Matrix], ensemble: TreeEnsemble
) -> None:
    again = from_arrays(ensemble.to_arrays())
    assert problem_of(again, FEATURES) is None
    assert (again.margin(grown[1]) == ensemble.margin(grown[1])).all()


@pytest.mark.parametrize(
    ("array", "position", "wrong", "reason"),
    [
        ("child", 0, 10**6, "out of its tree"),
        ("child", 0, -1, "backwards"),
        ("child", 0, 0, "backwards"),
        ("feature", 0, FEATURES, "outside the 24"),
        ("value", -1, np.nan, "not finite"),
        ("threshold", 0, np.nan, "not a number"),
        ("threshold", -1, 0.0, "a leaf leads on"),
        ("missing_left", -1, 0, "value is missing"),
        ("depth", 0, 3, "deeper or shallower"),
        ("root", 1, 0, "one after the other"),
        ("baseline", 0, np.inf, "not finite"),
    ],
)
def test_ensemble_that_would_lead_the_loop_astray_is_named(
    ensemble: TreeEnsemble, array: str, position: int, wrong: float, reason: str
) -> None:
    arrays = {name: values.copy() for name, values in ensemble.to_arrays().items()}
    arrays[array][position] = wrong
    found = problem_of(from_arrays(arrays), FEATURES)
    assert reason in str(found)


def test_several_classes_are_refused_at_export() -> None:
    rng = np.random.default_rng(0)
    classifier = HistGradientBoostingClassifier(max_iter=2).fit(rng.normal(size=(90, 2)), np.arange(90) % 3)
    with pytest.raises(ValueError, match="two classes"):
        export_ensemble(classifier)
