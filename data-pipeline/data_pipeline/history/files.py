"""The history files, their names and columns, as they are written.

`model.training.history` repeats the names of those that it reads, for it may not import this package; a test keeps
them equal.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyarrow as pa

HISTORY_FILE: Final = "history.parquet"
LABELS_FILE: Final = "labels.parquet"
TRUTH_FILE: Final = "truth.parquet"
CUSTOMER_EVENTS_FILE: Final = "customer_events.parquet"
AUTHORISATIONS_FILE: Final = "authorisations.parquet"
WORLD_FILE: Final = "world.json"
LIVE_FILE: Final = "live.json"  # how far the world was streamed beyond its history

HISTORY_SCHEMA: Final = pa.schema(
    [
        ("transaction_id", pa.string()),
        ("event_time", pa.int64()),
        ("utc_offset_min", pa.int64()),
        ("customer_id", pa.string()),
        ("card_token", pa.string()),
        ("merchant_id", pa.string()),
        ("mcc", pa.string()),
        ("amount_minor", pa.int64()),
        ("currency", pa.string()),
        ("amount_base_minor", pa.int64()),
        ("merchant_country", pa.string()),
        ("channel", pa.string()),
        ("card_bin", pa.string()),
        ("terminal_id", pa.string()),
        ("lat", pa.float64()),
        ("lon", pa.float64()),
        ("device_id", pa.string()),
        ("ip", pa.string()),
        ("decided_by", pa.string()),
    ]
)
LABELS_SCHEMA: Final = pa.schema(
    [
        ("label_id", pa.string()),
        ("transaction_id", pa.string()),
        ("customer_id", pa.string()),
        ("merchant_id", pa.string()),
        ("terminal_id", pa.string()),
        ("event_time", pa.int64()),
        ("is_fraud", pa.bool_()),
        ("source", pa.string()),
        ("observed_at", pa.int64()),
        ("confidence", pa.float64()),
    ]
)
TRUTH_SCHEMA: Final = pa.schema([("transaction_id", pa.string()), ("is_fraud", pa.bool_()), ("scenario", pa.string())])
CUSTOMER_EVENTS_SCHEMA: Final = pa.schema(
    [
        ("event_id", pa.string()),
        ("customer_id", pa.string()),
        ("kind", pa.string()),
        ("event_time", pa.int64()),
        ("detail", pa.string()),  # JSON
    ]
)
AUTHORISATIONS_SCHEMA: Final = pa.schema(
    [
        ("transaction_id", pa.string()),
        ("customer_id", pa.string()),
        ("result", pa.string()),
        ("reason", pa.string()),
        ("observed_at", pa.int64()),
    ]
)

SCHEMAS: Final = {
    HISTORY_FILE: HISTORY_SCHEMA,
    LABELS_FILE: LABELS_SCHEMA,
    TRUTH_FILE: TRUTH_SCHEMA,
    CUSTOMER_EVENTS_FILE: CUSTOMER_EVENTS_SCHEMA,
    AUTHORISATIONS_FILE: AUTHORISATIONS_SCHEMA,
}

FOLDER: Final = (*SCHEMAS, WORLD_FILE, LIVE_FILE)
"""Everything that a folder of history may hold, the history first."""


def part_path(path: Path) -> Path:
    """Where a file is written until it is whole; the real name appears only then."""
    return path.with_name(path.name + ".part")
