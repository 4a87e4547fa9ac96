"""Writes a world's history: rows in log order, and beside them only what had become known by the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_pipeline.history import files
from data_pipeline.synthetic.customer_life import customer_events
from data_pipeline.synthetic.outcomes import labels_of
from data_pipeline.synthetic.rows import DAY_MS, FIRST_FRAUD
from data_pipeline.synthetic.side_columns import (
    authorisation_columns,
    customer_event_columns,
    label_columns,
    truth_columns,
)
from data_pipeline.synthetic.text import to_columns
from data_pipeline.synthetic.world import World, WorldSpec

CHUNK_DAYS = 4  # rows of one row group


@dataclass(frozen=True, slots=True)
class WorldFile:
    """What a folder of history was made from, so that a live stream goes on with the same customers."""

    spec: WorldSpec
    end_ms: int

    def write(self, directory: Path) -> None:
        """Write `world.json`."""
        payload = {**asdict(self.spec), "end_ms": self.end_ms}
        (directory / files.WORLD_FILE).write_text(json.dumps(payload, indent=2) + "\n", "utf-8")

    @classmethod
    def read(cls, directory: Path) -> WorldFile:
        """Raises FileNotFoundError where the folder holds no generated world."""
        raw = json.loads((directory / files.WORLD_FILE).read_text("utf-8"))
        end_ms = raw.pop("end_ms")
        return cls(WorldSpec(**raw), end_ms)

    def is_of(self, directory: Path) -> bool:
        """Whether the folder holds the history of exactly this world."""
        return (directory / files.WORLD_FILE).exists() and WorldFile.read(directory) == self


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of what was written."""

    transactions: int
    frauds: int
    labels: int
    customer_events: int
    days: int


def write_history(
    spec: WorldSpec, days: int, directory: Path, progress: Callable[[int], None] = lambda _day: None
) -> Summary:
    """Write `days` days of the world as Parquet files; equal arguments give equal bytes.

    `progress` is called after each chunk with the number of days that are done. A file has its real name
    only when it is whole; `world.json` comes last.
    """
    directory.mkdir(parents=True, exist_ok=True)
    world = World(spec)
    first, end_ms = spec.start_day, (spec.start_day + days) * DAY_MS
    blocks = world.card_blocks(end_ms)
    label_parts: list[pa.Table] = []
    waiting = files.AUTHORISATIONS_SCHEMA.empty_table()
    transactions = frauds = 0
    with ExitStack() as stack:
        history = stack.enter_context(_writer(directory, files.HISTORY_FILE))
        authorisations = stack.enter_context(_writer(directory, files.AUTHORISATIONS_FILE))
        truth = stack.enter_context(_writer(directory, files.TRUTH_FILE))
        for day in range(first, first + days, CHUNK_DAYS):
            until = min(day + CHUNK_DAYS, first + days)
            rows = np.concatenate([world.window(d * DAY_MS, (d + 1) * DAY_MS) for d in range(day, until)])
            history.write_table(to_columns(world, rows, blocks))
            known, waiting = _split(waiting, authorisation_columns(world, rows), until * DAY_MS)
            authorisations.write_table(known)
            truth.write_table(truth_columns(rows))
            labels = labels_of(world.draws, rows)
            label_parts.append(label_columns(rows, labels[labels["observed"] < end_ms]))
            transactions += len(rows)
            frauds += int((rows["scenario"] >= FIRST_FRAUD).sum())
            progress(until - first)
        authorisations.write_table(waiting)
    labelled = pa.concat_tables([files.LABELS_SCHEMA.empty_table(), *label_parts])
    labelled = labelled.sort_by([("observed_at", "ascending"), ("label_id", "ascending")])
    _write(directory, files.LABELS_FILE, labelled)
    events = customer_event_columns(customer_events(world, first * DAY_MS, end_ms))
    _write(directory, files.CUSTOMER_EVENTS_FILE, events)
    for name in files.SCHEMAS:
        files.part_path(directory / name).replace(directory / name)
    WorldFile(spec, end_ms).write(directory)
    return Summary(transactions, frauds, labelled.num_rows, events.num_rows, days)


def _split(waiting: pa.Table, answers: pa.Table, until_ms: int) -> tuple[pa.Table, pa.Table]:
    """Answers observed before the moment, in the order in which they were, and those that are not known by then."""
    answers = pa.concat_tables([waiting, answers]).sort_by([("observed_at", "ascending")])
    is_known = pc.less(answers.column("observed_at"), until_ms)
    return answers.filter(is_known), answers.filter(pc.invert(is_known))


def _writer(directory: Path, name: str) -> pq.ParquetWriter:
    return pq.ParquetWriter(files.part_path(directory / name), files.SCHEMAS[name], compression="zstd")


def _write(directory: Path, name: str, table: pa.Table) -> None:
    pq.write_table(table.cast(files.SCHEMAS[name]), files.part_path(directory / name), compression="zstd")
