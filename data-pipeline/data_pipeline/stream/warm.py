"""Loads the compiled loops from their cache (or compiles them into it), so that no record waits for that."""

from __future__ import annotations

import gc
from typing import Final

import numpy as np
import orjson

from data_pipeline.stream.bundle import Bundle
from data_pipeline.stream.intake import take_in
from fraud_prevention.domain.transaction import TimeBounds, Transaction
from fraud_prevention.policy.json_rows import warm_writer
from model.features.catalogue import FEATURE_COUNT
from model.features.engine import BatchSpan, compute_batch
from model.features.entities import engine as shared
from model.features.entities.kinds import KINDS
from model.features.entities.merge import REPORT, PlanSpan, meetings_of, merge, places_of_meetings, touched
from model.features.entities.record import pack
from model.features.record import MARK

_COLLECT_AT: Final = 500_000  # objects more than before, about what a batch holds
_SAMPLE: Final = Transaction(
    "warm", 1_700_000_000_000, 0, "warm", "warm", "warm", "5411", 1, "EUR", 1, "FR", "chip", "400000", "warm", 0.5, 0.5,
    "warm", "10.0.0.1", None,
)  # fmt: skip


class _Message:
    """What `take_in` asks of a message."""

    def value(self) -> bytes:
        return orjson.dumps(_SAMPLE.to_wire())

    def offset(self) -> int:
        return 0

    def partition(self) -> int:
        return 0

    def timestamp(self) -> tuple[int, int]:
        return 1, _SAMPLE.event_time


def warm_kernels(bundle: Bundle) -> None:
    """Run every compiled loop once: a transaction through scan and features, the model on one row and on some."""
    rows = take_in([_Message()], TimeBounds(0, 0, is_enforced=False))
    every = np.zeros(1, np.intp)
    rows.payments(every)
    rows.columns(bundle.policy.transaction_columns, every)
    customers = np.zeros(1, np.int32)
    span = BatchSpan(0, 0, 0, 0, 0)
    computed, _ = compute_batch(rows.events, customers, ["warm"], [None], span, np.zeros(1, MARK))
    met = meetings_of(rows.events, rows.entities, computed.explained, np.ones(1, np.bool_))
    said = np.zeros(1, REPORT)
    said["entity"] = rows.entities[:, 0]
    target = touched(met, said)
    records = merge([None] * len(target.codes), target, met, said, PlanSpan(0, 0, 1))
    answers = shared.answer(met, target.places, records)
    vectors = np.empty((1, len(shared.FEATURES)))
    shared.fill(*places_of_meetings(rows.entities, np.ones(1, np.bool_)), answers, vectors)
    shared.compute_ahead(rows.entities[0], _SAMPLE.event_time, 1, pack(records)[: len(KINDS)], vectors[0])
    for count in (1, 100):
        bundle.scorer.score(np.zeros((count, FEATURE_COUNT)))
    warm_writer()
    settle_memory()


def settle_memory() -> None:
    """Let the collector pass by what a batch makes: hundreds of thousands of objects, and no cycle among them."""
    gc.freeze()
    gc.set_threshold(_COLLECT_AT)
