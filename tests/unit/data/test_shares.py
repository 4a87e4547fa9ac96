"""A history in shares has the features that it has as a whole, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from data_pipeline.history import stream_history as stream
from data_pipeline.history.feature_file import find_feature_set, write_features
from data_pipeline.history.generate import write_history
from data_pipeline.history.shares import Shares
from data_pipeline.history.stream_history import source_files, stream_history
from data_pipeline.synthetic.world import WorldSpec
from model.features.catalogue import FEATURE_NAMES, SHARED


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long enough that labels are known of what still counts."""
    folder = tmp_path_factory.mktemp("world")
    write_history(WorldSpec(seed=4, customers=150, start_day=20_000), 30, folder)
    return folder


@pytest.fixture
def features(tmp_path: Path) -> Path:
    """Every feature of the catalogue."""
    path = tmp_path / "all.yaml"
    columns = {name: name for name in FEATURE_NAMES}
    path.write_text(
        yaml.safe_dump({"name": "all", "description": "All", "keys": ["transaction_id"], "columns": columns})
    )
    return path


def by_id(table: pa.Table) -> pa.Table:
    return table.sort_by([("transaction_id", "ascending")])


@pytest.mark.parametrize("count", [1, 3])
def test_shares_together_are_the_whole(
    tmp_path: Path, world: Path, features: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BATCH_ROWS", 700)  # several parts
    whole = tmp_path / "whole.parquet"
    write_features(world, None, features, whole)
    shares, output = Shares(tmp_path / "work", count), tmp_path / "out"
    output.mkdir()
    parts = shares.deal(stream_history(source_files(world, is_mapped=False), None))
    assert parts > 3
    chosen = find_feature_set(features)
    for share in range(count):
        shares.replay_customers(share, parts)
    for owner in reversed(range(count)):
        shares.replay_entities(owner, parts)
    rows = sum(shares.join(share, parts, chosen, output) for share in range(count))
    found, expected = by_id(pq.read_table(output)), by_id(pq.read_table(whole))
    assert rows == expected.num_rows
    assert found.equals(expected)
    told = np.array([len(np.unique(expected.column(name).to_numpy())) for name in FEATURE_NAMES[SHARED]])
    assert (told > 1).sum() > 40, "the shared entities' features must differ from row to row to prove anything"
