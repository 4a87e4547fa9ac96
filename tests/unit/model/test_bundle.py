"""A model version is written whole or not at all, and refused with a reason where a byte is wrong."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from fraud_prevention.domain.errors import ArtefactRefused, NotFound
from model.features.catalogue import CATALOGUE_VERSION, FEATURE_NAMES
from model.inference.scorer import TreeScorer, load_scorer
from model.inference.tables import ScoreTables
from model.registry.bundle import Manifest, read_bundle, write_bundle
from model.registry.versions import activate, active_version, list_versions
from model.training.export import export_ensemble

WIDTH = len(FEATURE_NAMES)
Arrays = dict[str, npt.NDArray[np.generic]]


def make_arrays(seed: int) -> Arrays:
    """Weights of a small model over the catalogue's features."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(800, WIDTH))
    classifier = HistGradientBoostingClassifier(max_iter=5, early_stopping=False).fit(features, features[:, 0] > 1)
    ensemble = export_ensemble(classifier)
    margin = np.unique(ensemble.margin(features))
    tables = ScoreTables(np.array([-1.0, 1.0]), np.array([-6.0, 2.0]), margin, np.linspace(0, 1, len(margin)))
    return {**ensemble.to_arrays(), **tables.to_arrays()}


def write(
    directory: Path,
    arrays: Arrays,
    names: tuple[str, ...] = FEATURE_NAMES,
    catalogue: str = CATALOGUE_VERSION,
    kind: str = "hgb",
) -> Manifest:
    return write_bundle(
        directory, kind, arrays, feature_names=names, catalogue_version=catalogue, training={}, metrics={"auc": 0.9}
    )


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    return make_arrays(1)


@pytest.fixture
def served(tmp_path: Path, arrays: Arrays) -> tuple[Path, str]:
    version = write(tmp_path, arrays).version
    activate(tmp_path, version)
    return tmp_path, version


def test_scorer_reads_back_what_was_written(served: tuple[Path, str], arrays: Arrays) -> None:
    scorer = load_scorer(served[0])
    assert isinstance(scorer, TreeScorer)
    assert scorer.model_version == served[1]
    stored = scorer.ensemble.to_arrays()
    assert all(np.array_equal(arrays[name], stored[name]) for name in stored)


def test_one_transaction_gets_the_scores_it_gets_in_a_batch(served: tuple[Path, str]) -> None:
    scorer = load_scorer(served[0])
    features = np.random.default_rng(5).normal(size=(3_000, WIDTH)) * 2
    batch = scorer.score(features)
    for name in ("margin", "probability", "risk_score"):
        alone = [getattr(scorer.score(features[i : i + 1]), name)[0] for i in range(len(features))]
        assert (getattr(batch, name) == alone).all()
    order = np.argsort(batch.margin)
    for rising in (batch.probability[order], batch.risk_score[order]):
        assert (np.diff(rising) >= 0).all()
        assert rising[0] >= 0
        assert rising[-1] <= 1


def test_rows_of_another_width_are_refused(served: tuple[Path, str]) -> None:
    with pytest.raises(ValueError, match="features"):
        load_scorer(served[0]).score(np.zeros((2, WIDTH + 1)))


def test_equal_content_has_an_equal_version(tmp_path: Path, arrays: Arrays) -> None:
    first, again = write(tmp_path / "a", arrays), write(tmp_path / "b", arrays)
    assert first == again
    assert write(tmp_path / "a", arrays) == first
    assert list_versions(tmp_path / "a") == [first.version]
    assert (tmp_path / "a" / first.version / "weights.npz").read_bytes() == (
        tmp_path / "b" / first.version / "weights.npz"
    ).read_bytes()


def test_reordered_features_have_another_version(tmp_path: Path, arrays: Arrays) -> None:
    assert write(tmp_path, arrays).version != write(tmp_path, arrays, FEATURE_NAMES[::-1]).version


@pytest.mark.parametrize("position", [0, 40, 1_000, -30])
def test_flipped_bit_is_refused(served: tuple[Path, str], position: int) -> None:
    weights = served[0] / served[1] / "weights.npz"
    content = bytearray(weights.read_bytes())
    content[position] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ArtefactRefused, match="sha256 differs"):
        load_scorer(served[0])


def test_truncated_weights_are_refused(served: tuple[Path, str]) -> None:
    weights = served[0] / served[1] / "weights.npz"
    weights.write_bytes(weights.read_bytes()[:-200])
    with pytest.raises(ArtefactRefused, match="sha256 differs"):
        load_scorer(served[0])


def test_missing_weights_are_refused(served: tuple[Path, str]) -> None:
    (served[0] / served[1] / "weights.npz").unlink()
    with pytest.raises(ArtefactRefused, match="cannot be read"):
        load_scorer(served[0])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', '{"format": NaN}'])
def test_malformed_manifest_is_refused(served: tuple[Path, str], text: str) -> None:
    (served[0] / served[1] / "manifest.json").write_text(text)
    with pytest.raises(ArtefactRefused, match="malformed"):
        load_scorer(served[0])


def test_manifest_with_reordered_features_is_refused(served: tuple[Path, str]) -> None:
    path = served[0] / served[1] / "manifest.json"
    fields = json.loads(path.read_text())
    fields["feature_names"] = fields["feature_names"][::-1]
    path.write_text(json.dumps(fields))
    with pytest.raises(ArtefactRefused, match="other features"):
        load_scorer(served[0])


def test_model_of_another_order_or_catalogue_is_refused(tmp_path: Path, arrays: Arrays) -> None:
    swapped = (FEATURE_NAMES[1], FEATURE_NAMES[0], *FEATURE_NAMES[2:])
    with pytest.raises(ArtefactRefused, match=f"feature 0 is {swapped[0]}"):
        load_scorer(tmp_path, write(tmp_path, arrays, swapped).version)
    with pytest.raises(ArtefactRefused, match="has 3 features"):
        load_scorer(tmp_path, write(tmp_path, arrays, FEATURE_NAMES[:3]).version)
    with pytest.raises(ArtefactRefused, match="catalogue fc-old"):
        load_scorer(tmp_path, write(tmp_path, arrays, catalogue="fc-old").version)


def test_model_of_another_kind_is_refused(tmp_path: Path, arrays: Arrays) -> None:
    with pytest.raises(ArtefactRefused, match="kind forest"):
        load_scorer(tmp_path, write(tmp_path, arrays, kind="forest").version)


def test_pickled_array_is_refused(tmp_path: Path, arrays: Arrays) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        write(tmp_path, {**arrays, "value": np.array([{"a": 1}], dtype=object)})
    assert list_versions(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "wrong", "reason"),
    [
        ("value", np.array([np.nan]), "differ in length"),
        ("value", None, "lack"),
        ("surplus", np.zeros(3), "surplus"),
        ("baseline", np.zeros(2), "differ in length"),
        ("threshold", np.zeros(4, dtype=np.float32), "threshold is not a list"),
        ("calibration_log_odds", np.array([1.0, -1.0]), "does not rise"),
        ("calibration_log_odds", np.array([np.inf, 1.0]), "not finite"),
        ("good_share_below", np.array([0.0]), "is empty"),
    ],
)
def test_senseless_weights_are_refused_though_the_digest_fits(
    tmp_path: Path, arrays: Arrays, name: str, wrong: npt.NDArray[np.generic] | None, reason: str
) -> None:
    changed = {k: v for k, v in arrays.items() if k != name}
    if wrong is not None:
        changed[name] = wrong
    version = write(tmp_path, changed).version
    with pytest.raises(ArtefactRefused, match=reason):
        load_scorer(tmp_path, version)


def test_interrupted_write_leaves_the_last_good_version(served: tuple[Path, str]) -> None:
    directory, version = served
    partial = directory / ".partial-1"
    shutil.copytree(directory / version, partial)
    (partial / "manifest.json").write_text('{"vers')
    (directory / ".active-1").write_text("hgb-")
    assert list_versions(directory) == [version]
    assert load_scorer(directory).model_version == version


def test_bad_version_is_not_activated(served: tuple[Path, str]) -> None:
    directory, version = served
    fresh = write(directory, make_arrays(2)).version
    weights = directory / fresh / "weights.npz"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ArtefactRefused):
        activate(directory, fresh)
    with pytest.raises(NotFound):
        activate(directory, "hgb-000000000000")
    assert active_version(directory) == version


def test_folder_without_a_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ArtefactRefused, match="fraud train"):
        load_scorer(tmp_path)


@pytest.mark.parametrize("pointer", ["../../etc", "hgb-1\nhgb-2", "", "."])
def test_pointer_out_of_the_folder_is_refused(served: tuple[Path, str], pointer: str) -> None:
    (served[0] / "active").write_text(pointer)
    with pytest.raises(ArtefactRefused):
        load_scorer(served[0])


def test_version_copied_under_another_name_is_refused(served: tuple[Path, str]) -> None:
    shutil.copytree(served[0] / served[1], served[0] / "hgb-copied")
    with pytest.raises(ArtefactRefused, match="calls itself"):
        read_bundle(served[0], "hgb-copied")


def test_no_module_of_the_model_folder_reads_or_writes_pickles() -> None:
    banned = {"pickle", "joblib", "cloudpickle", "dill", "shelve", "marshal"}
    root = Path(__file__).parents[3] / "model"
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {n.partition(".")[0] for n in names} & banned, path
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant), path
                assert node.value.value is False, path
