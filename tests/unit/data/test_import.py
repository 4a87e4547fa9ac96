"""History of any shape comes in, or is refused with the cure."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from data_pipeline.history import base_amount, files
from data_pipeline.history.convert import convert
from data_pipeline.history.generate import write_history
from data_pipeline.history.importing import import_history
from data_pipeline.history.mapping import SHIPPED_DIR, Column, load_mapping
from data_pipeline.synthetic.world import WorldSpec
from fraud_prevention.domain import reference
from fraud_prevention.domain.errors import HistoryUnusable
from fraud_prevention.domain.reference import RATES_PER_EUR, minor_digits
from fraud_prevention.domain.transaction import MAX_AMOUNT_MINOR
from model.training import history as training
from model.training.history import FRAUD, GOOD, UNKNOWN, load_history

MAPPING: dict[str, Any] = {
    "order": ["when", "number"],
    "columns": {
        "transaction_id": {"from": "number", "digits": 5, "prefix": "t-"},
        "event_time": {"from": "when", "time": "%Y-%m-%d %H:%M:%S"},
        "utc_offset_min": {"constant": 60},
        "customer_id": {"from": "who"},
        "card_token": {"from": "who", "prefix": "card-"},
        "merchant_id": {"from": "shop"},
        "mcc": {"constant": "5411"},
        "amount_minor": {"from": "euros", "scale": 100},
        "currency": {"from": "money"},
        "merchant_country": {"constant": "AT"},
        "channel": {"from": "how", "values": {"C": "chip", "E": "ecom"}},
    },
    "labels": {"is_fraud": {"from": "fraud"}, "observed_after_days": 7},
}
CSV = """number,when,who,shop,euros,money,how,fraud,unused
2,2025-01-02 10:00:00,c1,m1,44.64,EUR,C,0,x
1,2025-01-02 10:00:00,c2,m1,0.29,USD,E,1,x
3,2025-01-01 09:30:00,c1,m2,0,EUR,C,0,x
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "any.csv"
    path.write_text(CSV)
    return path


def _mapping(tmp_path: Path, **changes: Any) -> Path:
    path = tmp_path / "mapping.yaml"
    columns = {**MAPPING["columns"], **changes.pop("columns", {})}
    path.write_text(yaml.safe_dump({**MAPPING, **changes, "columns": columns}))
    return path


def test_csv_becomes_history_in_the_order_asked_for(tmp_path: Path, source: Path) -> None:
    done = import_history(source, _mapping(tmp_path), tmp_path / "out")
    rows = pq.read_table(tmp_path / "out" / files.HISTORY_FILE).to_pylist()
    assert [row["transaction_id"] for row in rows] == ["t-00003", "t-00001", "t-00002"]
    assert [row["amount_minor"] for row in rows] == [0, 29, 4464]
    assert [row["amount_base_minor"] for row in rows] == [0, 27, 4464]
    assert rows[1]["event_time"] == 1_735_812_000_000
    assert rows[1]["channel"] == "ecom"
    assert rows[2]["card_token"] == "card-c1"
    assert rows[0]["terminal_id"] is None
    assert (done.transactions, done.labels, done.frauds) == (3, 1, 1)


def test_labels_come_late_and_truth_stands_apart(tmp_path: Path, source: Path) -> None:
    import_history(source, _mapping(tmp_path), tmp_path / "out")
    (label,) = pq.read_table(tmp_path / "out" / files.LABELS_FILE).to_pylist()
    assert label["transaction_id"] == "t-00001"
    assert label["observed_at"] - label["event_time"] == 7 * 86_400_000
    truth = pq.read_table(tmp_path / "out" / files.TRUTH_FILE).to_pylist()
    assert [row["is_fraud"] for row in truth] == [False, True, False]
    assert "is_fraud" not in pq.read_schema(tmp_path / "out" / files.HISTORY_FILE).names


def test_a_blank_cell_is_neither_fraud_nor_good(tmp_path: Path, source: Path) -> None:
    source.write_text(CSV.replace("EUR,C,0,x\n1", "EUR,C,,x\n1"))
    labels = {**MAPPING["labels"], "include": "all"}
    done = import_history(source, _mapping(tmp_path, labels=labels), tmp_path / "out")
    assert (done.transactions, done.labels, done.frauds) == (3, 2, 1)
    told = pq.read_table(tmp_path / "out" / files.LABELS_FILE).to_pylist()
    assert [(row["transaction_id"], row["is_fraud"]) for row in told] == [("t-00003", False), ("t-00001", True)]
    history = load_history(tmp_path / "out")
    assert history.truth is not None
    assert history.truth.tolist() == [GOOD, FRAUD, UNKNOWN]


def test_an_import_leaves_nothing_of_what_the_folder_held(tmp_path: Path, source: Path) -> None:
    out = tmp_path / "out"
    write_history(WorldSpec(seed=1, customers=20, start_day=20_000), 2, out)
    (out / files.LIVE_FILE).write_text("{}")
    (out / "notes.txt").write_text("mine")
    import_history(source, _mapping(tmp_path), out)
    made = {files.HISTORY_FILE, files.LABELS_FILE, files.TRUTH_FILE}
    assert {path.name for path in out.iterdir()} == {*made, "notes.txt"}
    import_history(source, _mapping(tmp_path, labels=None), out)
    assert {path.name for path in out.iterdir()} == {files.HISTORY_FILE, "notes.txt"}


def test_an_import_that_is_refused_touches_nothing(tmp_path: Path, source: Path) -> None:
    out = tmp_path / "out"
    import_history(source, _mapping(tmp_path), out)
    before = {path: path.read_bytes() for path in out.iterdir()}
    for changes in (
        {"labels": {**MAPPING["labels"], "is_fraud": {"from": "shop"}}},
        {"truth": {"scenario": {"from": "shop", "values": {"m9": "none"}}}},
    ):
        with pytest.raises(HistoryUnusable, match="cannot be made of column shop"):
            import_history(source, _mapping(tmp_path, **changes), out)
        assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_whole_numbers_of_nanoseconds_keep_their_millisecond() -> None:
    moments = [1_735_812_000_000 + n for n in range(500)]
    raw = pa.table({"ns": [ms * 1_000_000 + 999_999 for ms in moments], "s": [ms // 1000 for ms in moments]})
    for unit, expected in (("ns", moments), ("s", [ms // 1000 * 1000 for ms in moments])):
        column = Column.model_validate({"from": unit, "time": unit})
        assert convert(Path("any"), "event_time", column, raw, pa.int64()).to_pylist() == expected
    parts = pa.table({"s": [1.5, 2.0004]})
    column = Column.model_validate({"from": "s", "time": "s"})
    assert convert(Path("any"), "event_time", column, parts, pa.int64()).to_pylist() == [1_500, 2_000]


def test_base_amounts_of_a_column_are_those_of_the_domain() -> None:
    rng = np.random.default_rng(3)
    amounts = np.concatenate([np.arange(300), rng.integers(0, MAX_AMOUNT_MINOR, 300), [MAX_AMOUNT_MINOR]])
    for currency, rate in RATES_PER_EUR.items():
        found = base_amount.to_base_minor(amounts, 10 ** minor_digits(currency), rate)
        assert found.tolist() == [reference.to_base_minor(int(amount), currency) for amount in amounts], currency


def test_training_reads_the_files_that_are_written() -> None:
    written = (files.HISTORY_FILE, files.LABELS_FILE, files.TRUTH_FILE)
    assert written == (training.HISTORY_FILE, training.LABELS_FILE, training.TRUTH_FILE)


def test_missing_column_is_named_with_the_cure(tmp_path: Path, source: Path) -> None:
    mapping = _mapping(tmp_path, columns={"merchant_id": {"from": "store"}})
    with pytest.raises(HistoryUnusable, match=r"no column store.*its columns are number, when.*Change `from`"):
        import_history(source, mapping, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"currency": {"constant": "XXQ"}}, "no reference rate for XXQ"),
        ({"merchant_country": {"constant": "Austria"}}, "3 of 3 rows break the contract; row 0: merchant_country"),
        ({"transaction_id": {"from": "who"}}, "1 rows repeat a transaction_id"),
        ({"amount_minor": {"from": "euros"}}, "amount_minor cannot be made of column euros"),
        ({"channel": {"from": "how", "values": {"C": "chip"}}}, "`values` says nothing of E"),
        ({"event_time": {"from": "number"}}, "say how it tells the time"),
        ({"mcc": {"constant": 5411, "from": "number"}}, "give either `from` or `constant`"),
        ({"colour": {"constant": "red"}}, "colour is not part of transactions.v1"),
        ({"amount_minor": {"from": "euros", "factor": 2}}, r"columns\.amount_minor\.factor"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(
    tmp_path: Path, source: Path, columns: dict[str, Any], message: str
) -> None:
    with pytest.raises(HistoryUnusable, match=message):
        import_history(source, _mapping(tmp_path, columns=columns), tmp_path / "out")
    assert not (tmp_path / "out" / files.HISTORY_FILE).exists()


def test_rows_out_of_the_order_of_time_are_refused(tmp_path: Path, source: Path) -> None:
    with pytest.raises(HistoryUnusable, match="begin `order` with the time column"):
        import_history(source, _mapping(tmp_path, order=["number"]), tmp_path / "out")


def test_required_column_without_a_home_is_named(tmp_path: Path, source: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(yaml.safe_dump({**MAPPING, "columns": {"mcc": {"constant": "5411"}}}))
    with pytest.raises(HistoryUnusable, match="add amount_minor, card_token, channel"):
        import_history(source, path, tmp_path / "out")


def test_files_that_are_not_there_or_not_readable_are_named(tmp_path: Path) -> None:
    with pytest.raises(HistoryUnusable, match=r"no such mapping file; shipped ones are fdh_mapping\.yaml"):
        load_mapping(tmp_path / "none.yaml")
    with pytest.raises(HistoryUnusable, match="there is no such file"):
        import_history(tmp_path / "none.csv", _mapping(tmp_path), tmp_path / "out")
    (tmp_path / "odd.bin").write_bytes(b"neither")
    with pytest.raises(HistoryUnusable, match="neither CSV nor Parquet"):
        import_history(tmp_path / "odd.bin", _mapping(tmp_path), tmp_path / "out")


def test_shipped_mapping_orders_rows_of_one_second_by_id(tmp_path: Path) -> None:
    """A file of the handbook's shape, with its trap: sorted by time, but not by id within a second."""
    second = dt.datetime(2018, 4, 1, 0, 0, 31)  # noqa: DTZ001 - the file's times have no zone
    table = pa.table(
        {
            "TRANSACTION_ID": [7, 3, 9],
            "TX_DATETIME": pa.array([second, second, second + dt.timedelta(seconds=1)], pa.timestamp("ms")),
            "CUSTOMER_ID": [12, 4_999, 12],
            "TERMINAL_ID": [9_999, 1, 1],
            "TX_AMOUNT": [57.16, 0.0, 220.01],
            "TX_FRAUD": [0, 0, 1],
            "TX_FRAUD_SCENARIO": [0, 0, 1],
        }
    )
    pq.write_table(table, tmp_path / "handbook.parquet")
    done = import_history(tmp_path / "handbook.parquet", SHIPPED_DIR / "fdh_mapping.yaml", tmp_path / "out")
    rows = pq.read_table(tmp_path / "out" / files.HISTORY_FILE).to_pylist()
    assert [row["transaction_id"] for row in rows] == ["0000003", "0000007", "0000009"]
    assert [row["amount_minor"] for row in rows] == [0, 5716, 22_001]
    assert rows[1]["customer_id"] == "c0012"
    assert rows[0]["event_time"] == 1_522_540_831_000
    assert done.labels == 3
