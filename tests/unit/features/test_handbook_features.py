"""The shipped feature set gives the Fraud Detection Handbook's inputs: by the book on rows made up, and on its own data."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml

from config import ROOT
from data_pipeline.history.convert import convert
from data_pipeline.history.map_rows import labels_of, map_rows
from data_pipeline.history.mapping import SHIPPED_DIR, load_mapping
from data_pipeline.history.read_source import in_order
from model.features.feature_set import load_feature_set
from model.features.replay import replay
from model.features.side import side_of
from tests.fixtures.handbook_oracle import DAY, DELAY, WINDOWS_DAYS, Payment, handbook_inputs

# Beside the repository or in it; used in place and never copied, for it has no licence.
DATA = [folder / "shared" / "data" / "fdh_transactions.parquet" for folder in (ROOT.parent, ROOT)]
SHIPPED: dict[str, Any] = yaml.safe_load((SHIPPED_DIR / "fdh_features.yaml").read_text())
BEGIN = datetime(2018, 4, 1)  # noqa: DTZ001 - the handbook's times have no zone

# Euros here are whole cents over a hundred; the handbook's are sums and products of binary fractions, which differ in
# the last bit (103.35 is 103.35000000000001 in some rows). Counts, flags and shares are equal.
TOLERANCE = {name: 1e-9 if "AMOUNT" in name else 0.0 for name in SHIPPED["columns"]}
COLUMNS = list(SHIPPED["columns"])


@dataclass(frozen=True)
class Slice:
    """Rows in the order of the log, with all of a customer's or of a terminal's where `is_whole` of the column says so."""

    history: pa.Table
    vectors: npt.NDArray[np.float64]
    expected: list[dict[str, float]]
    has_whole_customer: npt.NDArray[np.bool_]
    has_whole_terminal: npt.NDArray[np.bool_]

    def is_whole(self, column: str) -> npt.NDArray[np.bool_]:
        return self.has_whole_terminal if column.startswith("TERMINAL_ID") else self.has_whole_customer


def slice_of(raw: pa.Table, customers: set[int], terminals: set[int]) -> Slice:
    mapping = load_mapping(Path("fdh_mapping.yaml"))
    raw = in_order(raw, mapping)
    history = map_rows(Path("handbook"), raw, mapping)
    assert mapping.labels is not None
    is_fraud = convert(Path("handbook"), "is_fraud", mapping.labels.is_fraud, raw, pa.bool_())
    labels = labels_of(history, is_fraud, mapping.labels)
    names = ("TX_DATETIME", "TRANSACTION_ID", "CUSTOMER_ID", "TERMINAL_ID", "TX_AMOUNT", "TX_FRAUD")
    rows: Any = zip(*(raw.column(name).to_pylist() for name in names), strict=True)
    return Slice(
        history,
        replay(history, side=side_of(labels)),
        handbook_inputs(Payment(*row) for row in rows),
        np.isin(raw.column("CUSTOMER_ID").to_numpy(), list(customers)),
        np.isin(raw.column("TERMINAL_ID").to_numpy(), list(terminals)),
    )


def computed(part: Slice, column: str, folder: Path) -> npt.NDArray[np.float64]:
    """One column of the shipped set."""
    path = folder / "one.yaml"
    path.write_text(yaml.safe_dump({**SHIPPED, "columns": {column: SHIPPED["columns"][column]}}))
    found = load_feature_set(path).apply(part.history, part.vectors).column(column)
    return np.asarray(found.to_numpy())


def assert_by_the_book(part: Slice, column: str, folder: Path) -> None:
    rows = np.flatnonzero(part.is_whole(column))
    expected = np.array([part.expected[row][column] for row in rows])
    found = computed(part, column, folder)[rows]
    wrong = np.flatnonzero(np.abs(found - expected) > TOLERANCE[column] * np.abs(expected))
    assert wrong.size == 0, f"{wrong.size} of {rows.size} rows, first {part.history.slice(int(rows[wrong[0]]), 1)}"


def test_shipped_set_has_the_inputs_of_the_book_in_its_order() -> None:
    (inputs,) = handbook_inputs([Payment(BEGIN, 0, 0, 0, 1.0, 0)])
    assert sorted(SHIPPED["columns"]) == sorted(inputs)
    assert len(inputs) == 15


@pytest.fixture(scope="module")
def made_up() -> Slice:
    """Few customers and terminals over eleven weeks, at hours that put many rows on the very edge of a window."""
    rng = random.Random(5)
    hours = [timedelta(hours=rng.choice([0, 6, 7, 12, 23])) for _ in range(2_000)]
    times = sorted(BEGIN + rng.randrange(77) * DAY + hour for hour in hours)
    numbers = list(range(2_000))
    rng.shuffle(numbers)  # so that the order within a second is not that of the file
    raw = pa.table(
        {
            "TRANSACTION_ID": numbers,
            "TX_DATETIME": pa.array(times, pa.timestamp("ms")),
            "CUSTOMER_ID": [rng.randrange(25) for _ in times],
            "TERMINAL_ID": [rng.randrange(20) for _ in times],
            "TX_AMOUNT": [rng.choice([0.0, 0.29, 57.16, rng.randrange(30_000) / 100]) for _ in times],
            "TX_FRAUD": [int(rng.random() < 0.1) for _ in times],
        }
    )
    return slice_of(raw, set(range(25)), set(range(20)))


@pytest.mark.parametrize("column", COLUMNS)
def test_rows_on_the_edge_of_a_window_are_counted_by_the_book(made_up: Slice, column: str, tmp_path: Path) -> None:
    assert_by_the_book(made_up, column, tmp_path)


def test_night_of_the_book_ends_at_seven(made_up: Slice, tmp_path: Path) -> None:
    hours = made_up.history.column("event_time").to_numpy() // 3_600_000 % 24
    found = computed(made_up, "TX_DURING_NIGHT", tmp_path)
    assert {(int(hour), bool(night)) for hour, night in zip(hours, found, strict=True)} == {
        (0, True), (6, True), (7, False), (12, False), (23, False),
    }  # fmt: skip


def _with_ties_and_edges(raw: pa.Table, name: str, distances: list[timedelta]) -> list[int]:
    """Ids that have two rows in one second, then those that have rows exactly so far apart."""
    ids = raw.column(name).to_numpy()
    seconds = raw.column("TX_TIME_SECONDS").to_numpy()
    keys = ids * 10**9 + seconds
    ordered = np.sort(keys)
    found = (ordered[1:][np.diff(ordered) == 0] // 10**9).tolist()
    for distance in distances:
        earlier = pa.array(keys - int(distance.total_seconds()))
        found += sorted(set(ids[pc.is_in(earlier, pa.array(keys)).to_numpy(zero_copy_only=False)].tolist()))[:8]
    return list(dict.fromkeys(found))


@pytest.fixture(scope="module")
def handbook() -> Slice:
    """All rows of customers and of terminals that tie, or lie on the edge of a window, in the handbook's own data."""
    data = next((path for path in DATA if path.is_file()), None)
    if data is None:
        pytest.skip("the handbook's data is absent: there is no shared/data/fdh_transactions.parquet")
    raw = pq.read_table(data)
    customers = _with_ties_and_edges(raw, "CUSTOMER_ID", [days * DAY for days in WINDOWS_DAYS])
    terminals = _with_ties_and_edges(raw, "TERMINAL_ID", [DELAY, *(DELAY + days * DAY for days in WINDOWS_DAYS)])
    of_customers = pc.is_in(raw.column("CUSTOMER_ID"), pa.array(customers))
    of_terminals = pc.is_in(raw.column("TERMINAL_ID"), pa.array(terminals))
    return slice_of(raw.filter(pc.or_(of_customers, of_terminals)), set(customers), set(terminals))


@pytest.mark.parametrize("column", COLUMNS)
def test_handbook_s_own_rows_get_the_inputs_of_the_book(handbook: Slice, column: str, tmp_path: Path) -> None:
    assert np.count_nonzero(handbook.has_whole_customer) >= 20_000
    assert np.count_nonzero(handbook.has_whole_terminal) >= 5_000
    assert_by_the_book(handbook, column, tmp_path)
