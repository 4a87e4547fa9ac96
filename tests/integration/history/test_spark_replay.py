"""A history in shares on a real Spark: what one process gives, bit for bit."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from config import StreamSettings
from data_pipeline.history.feature_file import write_features
from data_pipeline.history.generate import write_history
from data_pipeline.history.spark_replay import write_features_in_shares
from data_pipeline.synthetic.world import WorldSpec
from fraud_prevention.domain.errors import HistoryUnusable
from model.features.catalogue import FEATURE_NAMES

pytestmark = pytest.mark.integration


@pytest.mark.timeout(300)  # one start of Spark on a busy machine
def test_shares_on_spark_are_the_whole(tmp_path: Path) -> None:
    world, features, output = tmp_path / "world", tmp_path / "all.yaml", tmp_path / "out"
    write_history(WorldSpec(seed=5, customers=60, start_day=20_000), 20, world)
    columns = {name: name for name in FEATURE_NAMES}
    features.write_text(
        yaml.safe_dump({"name": "all", "description": "All", "keys": ["transaction_id"], "columns": columns})
    )
    passes: list[str] = []
    done = write_features_in_shares(
        world, None, features, output, 3, StreamSettings(), lambda name, _done, _total: passes.append(name)
    )
    write_features(world, None, features, tmp_path / "whole.parquet")
    order = [("transaction_id", "ascending")]
    whole = pq.read_table(tmp_path / "whole.parquet").sort_by(order)
    assert pq.read_table(output).sort_by(order).equals(whole)
    assert done.rows == whole.num_rows
    assert list(dict.fromkeys(passes)) == ["dealing", "customers", "entities", "joining"]
    assert [path.name for path in sorted(output.iterdir())] == [f"part-{share:05}.parquet" for share in range(3)]
    with pytest.raises(HistoryUnusable, match="name one that is empty"):
        write_features_in_shares(world, None, features, output, 3, StreamSettings())
