"""The engine after a folder of history is the one after its transactions, labels and answers, up to a moment."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from data_pipeline.history.files import AUTHORISATIONS_FILE, HISTORY_FILE, LABELS_FILE
from data_pipeline.history.replay_folder import replay_folder
from fraud_prevention.domain.errors import NotFound
from model.features.replay_engines import Replay
from model.features.side import side_of
from tests.fixtures.events import as_table, transactions
from tests.fixtures.sided import answers_table, labels_table, side_payloads

PAYLOADS = transactions(300, customers=10, seed=5, late_share=0, terminals=4)
LABELS, ANSWERS = side_payloads(PAYLOADS, seed=5, delay_ms=600_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pq.write_table(as_table(PAYLOADS), tmp_path / HISTORY_FILE)
    pq.write_table(labels_table(LABELS), tmp_path / LABELS_FILE)
    pq.write_table(answers_table(ANSWERS), tmp_path / AUTHORISATIONS_FILE)
    return tmp_path


@pytest.mark.parametrize("rows", [300, 200])
def test_state_is_that_of_the_events_before_the_moment(folder: Path, rows: int) -> None:
    until_ms = None if rows == 300 else PAYLOADS[rows]["event_time"]
    newest = PAYLOADS[rows - 1]["event_time"]
    labels, answers = ([p for p in told if p["observed_at"] <= newest] for told in (LABELS, ANSWERS))
    assert labels
    assert answers
    expected = Replay()
    expected.add(as_table(PAYLOADS[:rows]), side_of(labels_table(labels), answers_table(answers)))
    done: list[tuple[int, int]] = []
    engine, events = replay_folder(folder, until_ms, lambda *told: done.append(told))
    assert (events, done) == (rows, [(rows, rows)])
    assert engine.records() == expected.records()
    assert engine.shared_records()[2] == expected.shared_records()[2]


def test_a_folder_without_side_files_has_transactions_only(tmp_path: Path) -> None:
    pq.write_table(as_table(PAYLOADS), tmp_path / HISTORY_FILE)
    expected = Replay()
    expected.add(as_table(PAYLOADS))
    engine, _ = replay_folder(tmp_path, None, lambda _done, _rows: None)
    assert engine.records() == expected.records()


def test_a_folder_without_history_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="fraud generate"):
        replay_folder(tmp_path, None, lambda _done, _rows: None)
