"""A feature set over a whole history, as a Parquet file: what `fraud features replay` does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from data_pipeline.history import files
from data_pipeline.history.mapping import SHIPPED_DIR, find_file, load_mapping
from data_pipeline.history.stream_history import rows_of, source_files, stream_history
from fraud_prevention.domain.errors import HistoryUnusable, InvalidFeatureSet
from model.features.catalogue import CATALOGUE_VERSION
from model.features.feature_set import FeatureSet, load_feature_set
from model.features.replay_engines import Replay
from model.features.side import side_of


@dataclass(frozen=True, slots=True)
class Written:
    """What a feature file holds: rows, columns beside the keys, and the catalogue that they were computed by."""

    rows: int
    columns: int
    catalogue_version: str


def find_feature_set(path: Path) -> FeatureSet:
    """Read a feature set; a bare name such as `fdh_features.yaml` may be one of those that are shipped.

    Raises InvalidFeatureSet, which names what is wrong in it.
    """
    found = find_file(path)
    if found is None:
        names = ", ".join(sorted(p.name for p in SHIPPED_DIR.glob("*_features.yaml")))
        raise InvalidFeatureSet(str(path), f"there is no such feature set file; shipped ones are {names}")
    return load_feature_set(found, path)


def write_features(
    source: Path,
    mapping_file: Path | None,
    features: Path,
    output: Path,
    progress: Callable[[int, int | None], None] = lambda _done, _total: None,
) -> Written:
    """Compute the set's columns for every transaction of a history and write them, in the order of the log.

    `source` is a CSV or Parquet file or a folder of Parquet files, with a mapping; or a folder of history, without.
    `progress` gets the rows done and, where the files tell, the rows in all. The output has its real name only when it
    is whole, and takes the place of a file that was there. Raises HistoryUnusable and InvalidFeatureSet.
    """
    chosen = find_feature_set(features)
    mapping = None if mapping_file is None else load_mapping(mapping_file)
    sources = source_files(source, is_mapped=mapping is not None)
    if output.is_dir():
        raise HistoryUnusable(str(output), "it is a folder: name the file to write in it")
    if source.is_dir() and output.resolve().parent == source.resolve():
        raise HistoryUnusable(str(output), "it would become a part of the input: write to another folder")
    if output.resolve() in {path.resolve() for path in sources}:
        raise HistoryUnusable(str(output), "it is the input: give the output another name")
    total, done = rows_of(sources), 0
    engine = Replay()
    output.parent.mkdir(parents=True, exist_ok=True)
    part = files.part_path(output)
    try:
        with pq.ParquetWriter(part, chosen.schema(files.HISTORY_SCHEMA), compression="zstd") as writer:
            for history in stream_history(sources, mapping):
                vectors = engine.add(history.transactions, side_of(history.labels)).vectors
                writer.write_table(chosen.apply(history.transactions, vectors))
                done += len(vectors)
                progress(done, total)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)
    return Written(done, len(chosen.columns), CATALOGUE_VERSION)
