"""The compiled trees say exactly what the library that grew them says."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

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
