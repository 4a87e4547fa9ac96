"""A feature set says what it wants by name, and is refused with the cure where the catalogue has no such thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from fraud_prevention.domain.errors import InvalidFeatureSet
from model.features.catalogue import CATALOGUE_VERSION, index_of
from model.features.feature_set import load_feature_set
from model.features.replay import replay
from tests.architecture.tree import read
from tests.fixtures.events import as_table, transactions

FILE: dict[str, Any] = {
    "name": "mine",
    "description": "What a test wants",
    "keys": ["transaction_id", "event_time"],
    "columns": {
        "usual": "max(card_amount_mean_30d, 0) / 100",
        "is_ecom_at_night": "is_night and channel == 'ecom'",
        "share": "card_amount_sum_24h / card_amount_sum_30d",
    },
}


def write(folder: Path, **changes: Any) -> Path:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({**FILE, **changes}, sort_keys=False))
    return path


def test_columns_are_formulas_over_features_and_fields(tmp_path: Path) -> None:
    table = as_table(transactions(300, customers=3, seed=31))
    vectors = replay(table)
    made = load_feature_set(write(tmp_path)).apply(table, vectors)
    assert made.column_names == ["transaction_id", "event_time", *FILE["columns"]]
    assert made.column("transaction_id").equals(table.column("transaction_id"))
    usual, day, month = (
        vectors[:, index_of(n)] for n in ("card_amount_mean_30d", "card_amount_sum_24h", "card_amount_sum_30d")
    )
    assert made.column("usual").to_pylist() == (np.maximum(usual, 0) / 100).tolist()
    assert made.column("share").to_pylist() == [a / b if b else 0.0 for a, b in zip(day, month, strict=True)]
    is_ecom = np.array([channel == "ecom" for channel in table.column("channel").to_pylist()])
    assert made.column("is_ecom_at_night").to_pylist() == (is_ecom & (vectors[:, index_of("is_night")] == 1)).tolist()
    assert made.schema.metadata[b"catalogue_version"] == CATALOGUE_VERSION.encode()


def test_example_of_the_page_is_a_feature_set(tmp_path: Path) -> None:
    example = read("docs/feature-sets.md").split("```yaml\n")[1].split("```")[0]
    (tmp_path / "weekly.yaml").write_text(example)
    table = as_table(transactions(100, customers=2, seed=33))
    made = load_feature_set(tmp_path / "weekly.yaml").apply(table, replay(table))
    assert (made.num_rows, made.num_columns) == (100, 8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": {"a": "card_txn_count_24"}}, "column a does not know 'card_txn_count_24'; did you mean card_txn_"),
        ({"columns": {"a": "risk_score"}}, "column a does not know 'risk_score'"),
        ({"columns": {"a": "local_hour ** 2"}}, r"column a uses Pow.*`fraud features list` names the features"),
        ({"columns": {"a": "local_hour +"}}, "column a is not an expression"),
        ({"columns": {"a": 1}}, r"columns\.a: Input should be a valid string"),
        ({"columns": {"a b": "local_hour"}}, r"columns\.a b.*should match pattern"),
        ({"columns": {}}, "columns: "),
        ({"columns": {"event_time": "local_hour"}}, "event_time stands twice"),
        ({"keys": ["transaction_id", "transaction_id"]}, "transaction_id stands twice"),
        ({"keys": ["transaction"]}, r"transaction is not part of transactions\.v1: transaction_id, event_time"),
        ({"key": ["transaction_id"]}, "key: Extra inputs are not permitted"),
    ],
)
def test_wrong_set_is_refused_by_file_and_column(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidFeatureSet, match=message) as refusal:
        load_feature_set(write(tmp_path, **changes))
    assert refusal.value.path.endswith("mine.yaml")


def test_file_that_is_no_feature_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidFeatureSet, match="cannot be read: No such file"):
        load_feature_set(tmp_path / "none.yaml")
    (tmp_path / "odd.yaml").write_text("columns: [")
    with pytest.raises(InvalidFeatureSet, match="it is not YAML"):
        load_feature_set(tmp_path / "odd.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(InvalidFeatureSet, match="feature set: Input should be"):
        load_feature_set(tmp_path / "list.yaml")


def test_numbers_beyond_all_bounds_are_refused(tmp_path: Path) -> None:
    huge = "1e15"
    for _ in range(5):  # the square of the square, and so on: 1e480
        huge = f"({huge} * {huge})"
    columns = {"a": f"local_hour + {huge}"}
    table = as_table(transactions(50, customers=1, seed=32))
    with pytest.raises(InvalidFeatureSet, match="column a has no finite value"):
        load_feature_set(write(tmp_path, columns=columns)).apply(table, replay(table))
