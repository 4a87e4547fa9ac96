"""Authorisations, labels, truth and customer events as columns of their topics."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from data_pipeline.synthetic.outcomes import SOURCES, answered_at
from data_pipeline.synthetic.rows import DECLINE_REASONS, FIRST_FRAUD, SCENARIOS, Rows
from data_pipeline.synthetic.stories.scene import CustomerEvent
from data_pipeline.synthetic.text import (
    customer_column,
    hex_column,
    merchant_column,
    terminal_column,
    transaction_ids,
)
from data_pipeline.synthetic.world import World


def authorisation_columns(world: World, rows: Rows) -> pa.Table:
    """The columns of authorisations.v1, one row a transaction."""
    return pa.table(
        {
            "transaction_id": transaction_ids(rows),
            "customer_id": customer_column(rows["customer"]),
            "result": pa.array(["approved", "declined"]).take(pa.array((rows["decline"] > 0).astype(np.int8))),
            "reason": pa.array(DECLINE_REASONS).take(pa.array(rows["decline"])),
            "observed_at": pa.array(answered_at(world.draws, rows)),
        }
    )


def label_columns(rows: Rows, labels: npt.NDArray[Any]) -> pa.Table:
    """The columns of labels.v1; `labels` point into `rows`."""
    about = rows[labels["row"]]
    return pa.table(
        {
            "label_id": hex_column("lb-", labels["id"]),
            "transaction_id": transaction_ids(about),
            "customer_id": customer_column(about["customer"]),
            "merchant_id": merchant_column(about["merchant"]),
            "terminal_id": terminal_column(about),
            "event_time": pa.array(about["time"]),
            "is_fraud": pa.array(labels["is_fraud"]),
            "source": pa.array(SOURCES).take(pa.array(labels["source"])),
            "observed_at": pa.array(labels["observed"]),
            "confidence": pa.array(labels["confidence"]),
        }
    )


def truth_columns(rows: Rows) -> pa.Table:
    """What really happened: for evaluation only, never for features."""
    return pa.table(
        {
            "transaction_id": transaction_ids(rows),
            "is_fraud": pa.array(rows["scenario"] >= FIRST_FRAUD),
            "scenario": pa.array(SCENARIOS).take(pa.array(rows["scenario"])),
        }
    )


def customer_event_columns(events: list[tuple[str, CustomerEvent]]) -> pa.Table:
    """The columns of customer-events.v1; `detail` is JSON text."""
    return pa.table(
        {
            "event_id": pa.array([name for name, _ in events], pa.string()),
            "customer_id": customer_column([event.customer for _, event in events]),
            "kind": pa.array([event.kind for _, event in events], pa.string()),
            "event_time": pa.array([event.time for _, event in events], pa.int64()),
            "detail": pa.array([json.dumps(event.detail, sort_keys=True) for _, event in events], pa.string()),
        }
    )
