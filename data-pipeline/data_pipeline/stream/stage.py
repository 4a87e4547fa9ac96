"""Some partitions of one micro-batch, from records to everything that leaves: the body of the Spark task.

All side effects happen here, in one pass: the state is written, and decisions, vectors, alerts and dead letters
leave by the same rows. A retried task starts from the version of the state before its batch (see
`model.features.record`) and with the bundle that was bound to its start offset, so it repeats the same content.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import orjson
import pyarrow as pa

from data_pipeline.stream.bundle import Bundle, load_bundle
from data_pipeline.stream.parse import Checked, Rejected, check
from data_pipeline.stream.payments import columns_of_table, payments_of_table
from data_pipeline.stream.warm import warm_kernels
from fraud_prevention.domain.dead_letter import MAX_KEY_BYTES, dead_letter
from fraud_prevention.domain.errors import FieldError, StateMisplaced
from fraud_prevention.domain.topics import TRANSACTIONS, dead_letter_topic
from fraud_prevention.domain.transaction import TimeBounds
from fraud_prevention.policy.assemble import DecisionContext, Emissions, assemble
from fraud_prevention.policy.decide import evaluate
from fraud_prevention.policy.record_versions import stream_versions
from model.features import kernel
from model.features.codes import encode_table, index_customers
from model.features.engine import BatchSpan, Computed, compute_batch, empty_computed

OUTPUT: Final = pa.schema([("topic", pa.string()), ("key", pa.binary()), ("value", pa.binary())])
_LETTER_COLUMNS: Final = ("key", "partition", "offset", "value", "ingested_at")
_DUPLICATE: Final = FieldError("transaction_id", "duplicate_id", "was used before with another content")


class BatchStates(Protocol):
    """The customers' records, read and written a batch at a time. All raise Unavailable."""

    def read(self, customer_ids: Sequence[str]) -> list[bytes | None]:
        """The records, None where there is none."""
        ...

    def write(self, customer_ids: Sequence[str], records: Sequence[bytes], span: BatchSpan) -> None:
        """Replace them. Raises StateFenced where a newer batch has written one."""
        ...

    def bind_bundle(self, topic: str, partition: int, start_offset: int, bundle: str) -> str:
        """The bundle that decides the batch which starts at the offset: the first one bound wins."""
        ...


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """All a task needs, picklable, made by the driver (see `bootstrap`)."""

    states: Callable[[], BatchStates]  # called in the worker: a connection does not travel
    model_directory: Path
    bundle_directory: Path
    bounds: TimeBounds
    log: int  # hash of the id of the transactions topic
    bundle: str  # what decides, unless the batch is bound already


@lru_cache(maxsize=4)
def _bundle(directory: Path, model_directory: Path, name: str) -> Bundle:
    """Loaded bundles: the bound one of a retry beside the active one, and a few for a roll-out."""
    return load_bundle(directory, model_directory, name)


def _spans(table: pa.Table, log: int) -> dict[int, BatchSpan]:
    """What each partition brings of this batch: first and last offset, also of records that are none."""
    partitions, offsets = table.column("partition").to_numpy(), table.column("offset").to_numpy()
    found = {}
    for partition in np.unique(partitions).tolist():
        own = offsets[partitions == partition]
        found[partition] = BatchSpan(log, partition, int(own.min()), int(own.max()))
    return found


def compute_partitions(store: BatchStates, good: pa.Table, spans: Mapping[int, BatchSpan]) -> Computed:
    """Features of the rows of several partitions, each partition a batch of its own; the new records are written.

    Raises StateFenced, StateMisplaced, StateCorrupt, Unavailable.
    """
    customers, names = index_customers(good)
    events = encode_table(good, good.column("offset").to_numpy())
    records = store.read(names)
    partitions = good.column("partition").to_numpy()
    owners = np.full(len(names), -1)
    computed = empty_computed(good.num_rows)
    for partition, span in spans.items():
        rows = np.flatnonzero(partitions == partition)
        places, local = np.unique(customers[rows], return_inverse=True)
        twice = places[owners[places] >= 0]
        if twice.size:
            raise StateMisplaced(names[int(twice[0])], int(owners[twice[0]]), partition)
        owners[places] = partition
        keys = [names[place] for place in places.tolist()]
        held = [records[place] for place in places.tolist()]
        part, after = compute_batch(events[rows], local.astype(np.int32), keys, held, span)
        store.write(keys, after, span)
        computed.put(rows, part)
    return computed


class Warm:
    """Callable for `mapInArrow` that loads libraries, bundle and compiled loops before the first record waits."""

    def __init__(self, config: StreamConfig) -> None:
        self._config = config

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        config = self._config
        warm_kernels(_bundle(config.bundle_directory, config.model_directory, config.bundle))
        yield from batches


class Stage:
    """Callable for `mapInArrow`."""

    def __init__(self, config: StreamConfig) -> None:
        self._config = config

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        received = [b for b in batches if b.num_rows]
        if not received:
            return
        table = pa.Table.from_batches(received)
        emissions = self._run(table)
        for topic, keys, values in emissions:
            if keys:
                columns = [pa.repeat(topic, len(keys)), pa.array(keys, pa.binary()), pa.array(values, pa.binary())]
                yield pa.RecordBatch.from_arrays(columns, schema=OUTPUT)

    def _run(self, table: pa.Table) -> list[Emissions]:
        config = self._config
        spans = _spans(table, config.log)
        checked = check(table, config.bounds)
        good = checked.table
        emissions = [self._dead_letters(table, checked.rejected)]
        if good.num_rows:
            store = config.states()
            bound = {
                p: store.bind_bundle(TRANSACTIONS, p, span.start_offset, config.bundle) for p, span in spans.items()
            }
            computed = compute_partitions(store, good, spans)
            conflicts = np.flatnonzero(computed.status == kernel.CONFLICT)
            emissions.append(self._dead_letters(good, [Rejected(int(row), [_DUPLICATE]) for row in conflicts]))
            for name in sorted(set(bound.values())):  # more than one only where a batch of another bundle is repeated
                bundle = _bundle(config.bundle_directory, config.model_directory, name)
                emissions += self._decide(checked, computed, bundle, [p for p, held in bound.items() if held == name])
        return emissions

    def _decide(self, checked: Checked, computed: Computed, bundle: Bundle, partitions: list[int]) -> list[Emissions]:
        table, payloads = checked.table, checked.payloads
        is_ours = table.column("decided_by").is_null().to_numpy() & (computed.status == kernel.NEW)
        rows = np.flatnonzero(is_ours & np.isin(table.column("partition").to_numpy(), partitions))
        if not rows.size:
            return []
        vectors = computed.vectors[rows]
        scores = bundle.scorer.score(vectors)
        columns = columns_of_table(table, rows, bundle.policy.transaction_columns)
        verdicts = evaluate(bundle.policy, columns, vectors, scores)
        now = time.time_ns() // 1_000_000
        waited = np.maximum(now - table.column("ingested_at").to_numpy()[rows], 0).astype(np.float64)
        assembled = assemble(
            payments_of_table(table, rows, lambda row: orjson.dumps(payloads[row])),
            vectors,
            scores,
            verdicts,
            self._context(bundle),
            stream_versions(computed.versions[rows].tolist()),
            now,
            waited,
        )
        return assembled.by_topic()

    @staticmethod
    def _context(bundle: Bundle) -> DecisionContext:
        return DecisionContext(
            model_version=bundle.scorer.model_version,
            policy_version=bundle.policy.version,
            catalogue_version=bundle.scorer.catalogue_version,
            feature_names=bundle.scorer.feature_names,
            experiment="",
            arm="champion",
            decided_by="stream",
            host=socket.gethostname(),
        )

    @staticmethod
    def _dead_letters(table: pa.Table, rejected: Sequence[Rejected]) -> Emissions:
        found = Emissions(dead_letter_topic(TRANSACTIONS), [], [])
        for row, errors in ((r.row, r.errors) for r in rejected):
            cells = {name: table.column(name)[row].as_py() for name in _LETTER_COLUMNS}
            key = cells["key"] or b""
            if len(key) > MAX_KEY_BYTES:
                key = b""  # by reference, like a payload that is too large
            letter = dead_letter(
                errors,
                topic=TRANSACTIONS,
                partition=cells["partition"],
                offset=cells["offset"],
                key=key or None,
                payload=cells["value"],
                at_ms=cells["ingested_at"],
            )
            found.keys.append(key)
            found.values.append(orjson.dumps(letter))
        return found
