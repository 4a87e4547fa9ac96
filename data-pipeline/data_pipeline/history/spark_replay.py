"""`fraud features replay --shares N`: a history in shares, each a task of Spark, on whatever cluster there is.

The working folder must be one that all workers see: a shared disk, or one mounted from object storage.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from config import StreamSettings
from data_pipeline.history.feature_file import Written, find_feature_set
from data_pipeline.history.mapping import load_mapping
from data_pipeline.history.shares import Shares
from data_pipeline.history.stream_history import rows_of, source_files, stream_history
from data_pipeline.stream.session import build_session
from fraud_prevention.domain.errors import HistoryUnusable
from model.features.catalogue import CATALOGUE_VERSION


def write_features_in_shares(
    source: Path,
    mapping_file: Path | None,
    features: Path,
    output: Path,
    shares: int,
    settings: StreamSettings,
    progress: Callable[[str, int, int | None], None] = lambda _pass, _done, _total: None,
) -> Written:
    """Like `write_features`, into a folder of as many Parquet files as shares; each needs memory for its own state only.

    `progress` gets the pass, what is done of it and of how much. Rows are in the order of the log within a file. Raises
    HistoryUnusable and InvalidFeatureSet.
    """
    chosen = find_feature_set(features)
    mapping = None if mapping_file is None else load_mapping(mapping_file)
    sources = source_files(source, is_mapped=mapping is not None)
    if output.exists() and (output.is_file() or any(output.iterdir())):
        raise HistoryUnusable(str(output), "shares are written into a folder of their own: name one that is empty")
    output.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".shares-", dir=output))
    session = build_session(settings)
    try:
        work = Shares(folder, shares)
        total = rows_of(sources)
        parts = work.deal(stream_history(sources, mapping), lambda rows: progress("dealing", rows, total))
        context = session.sparkContext
        passes: list[tuple[str, Callable[[int], int]]] = [
            ("customers", lambda share: work.replay_customers(share, parts)),
            ("entities", lambda share: work.replay_entities(share, parts)),
            ("joining", lambda share: work.join(share, parts, chosen, output)),
        ]
        rows = 0
        for name, run in passes:
            progress(name, 0, total)
            rows = sum(context.parallelize(range(shares), shares).map(run).collect())
    finally:
        session.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return Written(rows, len(chosen.columns), CATALOGUE_VERSION)
