"""A whole history becomes a file of features, the same however the rows lie in the files, or the command says why not."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from ci_cd_testing_deployment.cli.main import app
from data_pipeline.history import read_source
from data_pipeline.history import stream_history as stream
from data_pipeline.history.feature_file import find_feature_set, write_features
from data_pipeline.history.generate import write_history
from data_pipeline.history.importing import import_history
from data_pipeline.history.mapping import load_mapping
from data_pipeline.history.read_source import in_order, read_in_order, read_whole
from data_pipeline.history.stream_history import source_files, stream_history
from data_pipeline.synthetic.world import WorldSpec
from fraud_prevention.domain.errors import HistoryUnusable, InvalidFeatureSet
from model.features.catalogue import CATALOGUE_VERSION
from model.features.replay import replay

MAPPING: dict[str, Any] = {
    "order": ["second", "number"],
    "columns": {
        "transaction_id": {"from": "number", "digits": 5},
        "event_time": {"from": "second", "time": "s"},
        "utc_offset_min": {"constant": 60},
        "customer_id": {"from": "who"},
        "card_token": {"from": "who", "prefix": "card-"},
        "merchant_id": {"from": "shop"},
        "mcc": {"constant": "5411"},
        "amount_minor": {"from": "cents"},
        "currency": {"constant": "EUR"},
        "merchant_country": {"constant": "AT"},
        "channel": {"constant": "chip"},
    },
}
SET = {
    "name": "mine",
    "description": "What a test wants",
    "keys": ["transaction_id", "customer_id"],
    "columns": {"often": "card_txn_count_24h + 1", "hour": "local_hour", "euros": "card_amount_sum_7d / 100"},
}
ROWS = 1_000


@pytest.fixture
def raw() -> pa.Table:
    """In no order at all, with many rows to a second."""
    rng = random.Random(3)
    return pa.table(
        {
            "number": rng.sample(range(ROWS), ROWS),
            "second": [1_790_000_000 + 3_600 * rng.randrange(200) for _ in range(ROWS)],
            "who": [f"c{rng.randrange(9)}" for _ in range(ROWS)],
            "shop": [f"m{rng.randrange(5)}" for _ in range(ROWS)],
            "cents": [rng.randrange(20_000) for _ in range(ROWS)],
        }
    )


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_source, "BATCH_ROWS", 64)
    monkeypatch.setattr(stream, "BATCH_ROWS", 64)
    monkeypatch.setattr(stream, "CHUNK_ROWS", 100)


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "mapping.yaml"
    path.write_text(yaml.safe_dump(MAPPING))
    return path


@pytest.fixture
def features(tmp_path: Path) -> Path:
    path = tmp_path / "features.yaml"
    path.write_text(yaml.safe_dump(SET))
    return path


def nearly_sorted(raw: pa.Table) -> pa.Table:
    """By the hour, with some rows late by up to a hundred places."""
    rng = random.Random(4)
    ordered = raw.sort_by([("second", "ascending")])
    places = [i + (rng.randrange(100) if rng.random() < 0.1 else 0) for i in range(ROWS)]
    return ordered.take(pa.array(np.argsort(places, kind="stable")))


def written_as(kind: str, raw: pa.Table, folder: Path) -> Path:
    """The rows as a file or folder of that kind."""
    folder.mkdir()
    if kind == "csv":
        from pyarrow import csv

        csv.write_csv(raw, folder / "any.csv")
        return folder / "any.csv"
    if kind == "parts":
        for i in range(4):
            pq.write_table(raw.slice(i * 250, 250), folder / f"part-{i}.parquet", row_group_size=100)
        return folder
    table = {"nearly sorted": nearly_sorted(raw), "sorted": raw.sort_by([("second", "ascending")])}.get(kind, raw)
    pq.write_table(table, folder / "any.parquet", row_group_size=300)
    return folder / "any.parquet"


@pytest.mark.parametrize("kind", ["csv", "shuffled", "nearly sorted", "sorted", "parts", "imported"])
def test_features_do_not_depend_on_how_the_rows_lie(
    tmp_path: Path, raw: pa.Table, mapping: Path, features: Path, kind: str
) -> None:
    source = written_as("shuffled" if kind == "imported" else kind, raw, tmp_path / "in")
    import_history(written_as("shuffled", raw, tmp_path / "same"), mapping, tmp_path / "history")
    history = pq.read_table(tmp_path / "history" / "history.parquet")
    if kind == "imported":
        source = tmp_path / "history"
    heard: list[tuple[int, int | None]] = []
    done = write_features(
        source,
        None if kind == "imported" else mapping,
        features,
        tmp_path / "out" / "features.parquet",
        lambda rows, total: heard.append((rows, total)),
    )
    found = pq.read_table(tmp_path / "out" / "features.parquet")
    assert found.equals(find_feature_set(features).apply(history, replay(history)))
    assert found.schema.metadata[b"feature_set"] == b"mine"
    assert (done.rows, done.columns, done.catalogue_version) == (ROWS, 3, CATALOGUE_VERSION)
    assert heard[-1] == (ROWS, None if kind == "csv" else ROWS)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["features.parquet"]


def test_no_more_is_held_than_may_be_overtaken(tmp_path: Path, raw: pa.Table, mapping: Path) -> None:
    rules = load_mapping(mapping)
    for kind, most in (("sorted", 140), ("nearly sorted", 300), ("shuffled", ROWS)):
        source = written_as(kind, raw, tmp_path / kind)
        tables = list(read_in_order([source], rules))
        assert pa.concat_tables(tables).equals(in_order(read_whole(source, rules), rules))
        assert max(table.num_rows for table in tables) <= most


def labelled(mapping: Path) -> Path:
    """The mapping with a label after a day for every row: the cheap ones are fraud."""
    labels = {"is_fraud": {"from": "is_cheap"}, "observed_after_days": 1, "include": "all"}
    mapping.write_text(yaml.safe_dump({**MAPPING, "labels": labels}))
    return mapping


@pytest.mark.parametrize("kind", ["csv", "shuffled", "nearly sorted", "sorted", "parts", "imported"])
def test_labels_come_with_the_part_by_whose_end_they_are_observed(
    tmp_path: Path, raw: pa.Table, mapping: Path, kind: str
) -> None:
    told = raw.append_column("is_cheap", pc.less(raw.column("cents"), 1_000))
    import_history(written_as("shuffled", told, tmp_path / "same"), labelled(mapping), tmp_path / "history")
    expected = pq.read_table(tmp_path / "history" / "labels.parquet")
    if kind == "imported":
        found = list(stream_history(source_files(tmp_path / "history", is_mapped=False), None))
    else:
        source = written_as(kind, told, tmp_path / "in")
        found = list(stream_history(source_files(source, is_mapped=True), load_mapping(mapping)))
    before = -1
    for part in found:
        until = part.transactions.column("event_time")[-1].as_py()
        observed = part.labels.column("observed_at").to_pylist()
        assert all(before < at <= until for at in observed)
        assert observed == sorted(observed)
        before = until
        assert part.transactions.num_rows <= 100
    labels = pa.concat_tables([part.labels for part in found])
    assert 0 < labels.num_rows < ROWS
    assert labels.equals(expected.filter(pc.less_equal(expected.column("observed_at"), before)))


def test_labels_in_no_order_are_refused(tmp_path: Path, raw: pa.Table, mapping: Path) -> None:
    told = raw.append_column("is_cheap", pc.less(raw.column("cents"), 1_000))
    import_history(written_as("shuffled", told, tmp_path / "in"), labelled(mapping), tmp_path / "history")
    path = tmp_path / "history" / "labels.parquet"
    pq.write_table(pq.read_table(path).sort_by([("label_id", "ascending")]), path)
    with pytest.raises(HistoryUnusable, match="not in the order of observed_at"):
        list(stream_history(source_files(tmp_path / "history", is_mapped=False), None))


def test_world_that_was_generated_needs_no_mapping(tmp_path: Path, features: Path) -> None:
    write_history(WorldSpec(seed=1, customers=20, start_day=20_000), 3, tmp_path / "world")
    done = write_features(tmp_path / "world", None, features, tmp_path / "features.parquet")
    assert done.rows == pq.read_metadata(tmp_path / "world" / "history.parquet").num_rows


def test_another_file_of_that_name_is_replaced_only_by_a_whole_one(
    tmp_path: Path, raw: pa.Table, mapping: Path, features: Path
) -> None:
    output = tmp_path / "features.parquet"
    write_features(written_as("sorted", raw, tmp_path / "in"), mapping, features, output)
    before = output.read_bytes()
    twice = pa.concat_tables([raw, raw.slice(0, 1).set_column(1, "second", pa.array([1_999_999_999]))])
    with pytest.raises(HistoryUnusable, match="1 rows repeat a transaction_id"):
        write_features(written_as("sorted", twice, tmp_path / "twice"), mapping, features, output)
    assert output.read_bytes() == before
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.parametrize(
    ("source", "is_mapped", "message"),
    [
        ("in/any.parquet", False, "say what its columns are with `--mapping`"),
        ("history", True, "mapped already: leave `--mapping` out"),
        ("none.parquet", True, "there is no such file"),
        ("empty", True, r"the folder has no \*\.parquet"),
        ("odd.parquet", True, "neither CSV nor Parquet"),
        ("blank.parquet", True, "it has no rows"),
        ("columns.parquet", True, "no column cents, which the mapping names"),
    ],
)
def test_source_that_does_not_fit_is_refused_with_the_cure(
    tmp_path: Path, raw: pa.Table, mapping: Path, features: Path, source: str, is_mapped: bool, message: str
) -> None:
    import_history(written_as("shuffled", raw, tmp_path / "in"), mapping, tmp_path / "history")
    (tmp_path / "empty").mkdir()
    (tmp_path / "odd.parquet").write_bytes(b"neither")
    pq.write_table(raw.slice(0, 0), tmp_path / "blank.parquet")
    pq.write_table(raw.drop_columns(["cents"]), tmp_path / "columns.parquet")
    with pytest.raises(HistoryUnusable, match=message):
        write_features(tmp_path / source, mapping if is_mapped else None, features, tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


def test_row_that_breaks_the_contract_is_numbered_in_the_whole_history(
    tmp_path: Path, raw: pa.Table, mapping: Path, features: Path
) -> None:
    ordered = raw.sort_by([("second", "ascending"), ("number", "ascending")])
    cents = ordered.column("cents").to_pylist()
    cents[700] = -1
    source = written_as("sorted", ordered.set_column(4, "cents", pa.array(cents)), tmp_path / "in")
    with pytest.raises(HistoryUnusable, match="rows break the contract; row 700: amount_minor"):
        write_features(source, mapping, features, tmp_path / "out.parquet")


def test_order_that_is_not_that_of_time_is_refused(tmp_path: Path, raw: pa.Table, features: Path) -> None:
    by_number = tmp_path / "by_number.yaml"
    by_number.write_text(yaml.safe_dump({**MAPPING, "order": ["number"]}))
    with pytest.raises(HistoryUnusable, match="begin `order` with the time column"):
        write_features(written_as("shuffled", raw, tmp_path / "in"), by_number, features, tmp_path / "out.parquet")


def test_output_never_is_or_becomes_the_input(tmp_path: Path, raw: pa.Table, mapping: Path, features: Path) -> None:
    source = written_as("sorted", raw, tmp_path / "in")
    with pytest.raises(HistoryUnusable, match="it is the input"):
        write_features(source, mapping, features, source)
    with pytest.raises(HistoryUnusable, match="a part of the input"):
        write_features(source.parent, mapping, features, source.parent / "features.parquet")
    with pytest.raises(HistoryUnusable, match="it is a folder"):
        write_features(source, mapping, features, tmp_path)


def test_parts_of_different_types_are_refused_by_name(
    tmp_path: Path, raw: pa.Table, mapping: Path, features: Path
) -> None:
    source = written_as("parts", raw, tmp_path / "in")
    text = raw.set_column(4, "cents", raw.column("cents").cast(pa.string()))
    pq.write_table(text, source / "part-2.parquet")
    with pytest.raises(HistoryUnusable, match=r"part-2.parquet: its column cents holds string.*holds int64"):
        write_features(source, mapping, features, tmp_path / "out.parquet")


def test_shipped_sets_are_found_by_name_and_named_where_one_is_not(tmp_path: Path) -> None:
    with pytest.raises(InvalidFeatureSet, match=r"no such feature set file; shipped ones are fdh_features\.yaml$"):
        find_feature_set(tmp_path / "fdh_features.yaml")


def test_command_writes_the_file_and_one_line_of_json(
    tmp_path: Path, raw: pa.Table, mapping: Path, features: Path
) -> None:
    source, output = written_as("sorted", raw, tmp_path / "in"), tmp_path / "out.parquet"
    command = ["features", "replay", "--input", str(source), "--mapping", str(mapping), "--output", str(output)]
    result = CliRunner().invoke(app, [*command, "--features", str(features)])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["rows"], told["columns"], told["output"]) == (ROWS, 3, str(output))
    assert told["rows_per_s"] > 0
    refused = CliRunner().invoke(app, [*command, "--features", "none.yaml"])
    assert refused.exit_code == 1
    assert "fraud: none.yaml: there is no such feature set file" in refused.stderr
