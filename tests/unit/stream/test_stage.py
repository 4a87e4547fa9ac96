"""A task that holds several partitions computes each of them as if it were alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from data_pipeline.stream.stage import compute_partitions
from fraud_prevention.domain.errors import StateMisplaced
from model.features.engine import BatchSpan, Computed
from tests.fixtures.events import as_table, transactions


class Records:
    """States in a dictionary, with what each write said of its batch."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.spans: list[BatchSpan] = []

    def read(self, customer_ids: Sequence[str]) -> list[bytes | None]:
        return [self.held.get(c) for c in customer_ids]

    def write(self, customer_ids: Sequence[str], records: Sequence[bytes], span: BatchSpan) -> None:
        self.held.update(zip(customer_ids, records, strict=True))
        self.spans.append(span)

    def bind_bundle(self, topic: str, partition: int, start_offset: int, bundle: str) -> str:  # noqa: ARG002 — the port's signature
        return bundle


def rows_of(partition: int, count: int) -> pa.Table:
    payloads = transactions(count, customers=5, seed=partition)
    for payload in payloads:
        payload["customer_id"] += f"-p{partition}"
    table = as_table(payloads)
    table = table.append_column("partition", pa.array([partition] * count, pa.int32()))
    return table.append_column("offset", pa.array(range(count), pa.int64()))


def spans_of(*tables: pa.Table) -> dict[int, BatchSpan]:
    found = {}
    for table in tables:
        partition = table.column("partition")[0].as_py()
        found[partition] = BatchSpan(1, partition, 0, table.num_rows - 1)
    return found


def test_partitions_together_are_computed_as_they_are_alone() -> None:
    parts = [rows_of(3, 80), rows_of(7, 120)]
    together, alone = Records(), Records()
    found = compute_partitions(together, pa.concat_tables(parts), spans_of(*parts))
    expected: list[Computed] = [compute_partitions(alone, part, spans_of(part)) for part in parts]
    for name in ("vectors", "status", "versions"):
        assert np.array_equal(getattr(found, name), np.concatenate([getattr(e, name) for e in expected]))
    assert together.held == alone.held
    assert together.spans == alone.spans == list(spans_of(*parts).values())


def test_a_customer_in_two_partitions_of_one_task_is_refused() -> None:
    first, second = rows_of(3, 5), rows_of(7, 5)
    at = second.schema.get_field_index("customer_id")
    second = second.set_column(at, "customer_id", first.column("customer_id"))
    with pytest.raises(StateMisplaced, match="in the partitions 3 and 7"):
        compute_partitions(Records(), pa.concat_tables([first, second]), spans_of(first, second))
