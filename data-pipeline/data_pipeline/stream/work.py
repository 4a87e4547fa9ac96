"""A share of one plan, from the log to the log: the body of a task, the same under Spark and in `lite`.

1. read the ranges of the share's partitions; what is no transaction becomes a dead letter;
2. customers' features in the order of the log; their records are written;
3. features of merchants, terminals, devices and networks (see `shared_entities`); their records are written;
4. score, rules, decision; out with everything, unless the plan has been left behind.

A repeated attempt starts from the version of the state before the plan and repeats the same content.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from data_pipeline.stream.bundle import Bundle, load_bundle
from data_pipeline.stream.intake import Intake, Rejected, take_in
from data_pipeline.stream.plan import Plan
from data_pipeline.stream.ports import Ports
from data_pipeline.stream.shared_entities import SharedEntities
from data_pipeline.stream.side_inputs import SideInput, side_inputs
from data_pipeline.stream.summary import Summary
from fraud_prevention.domain.dead_letter import MAX_KEY_BYTES, dead_letter
from fraud_prevention.domain.errors import FieldError, StateMisplaced
from fraud_prevention.domain.topics import AUTHORISATIONS, LABELS, TRANSACTIONS, dead_letter_topic
from fraud_prevention.domain.transaction import TimeBounds
from fraud_prevention.policy.assemble import DecisionContext, Emission, Emissions, assemble
from fraud_prevention.policy.decide import evaluate
from fraud_prevention.policy.record_versions import record_versions
from model.features import kernel
from model.features.catalogue import SHARED
from model.features.engine import BatchSpan, Computed, compute_batch, empty_computed, place_marks
from model.features.grouping import group
from model.features.record import DECLINED, FRAUD, MARK, partition_of

# Decided and sent at once: bounds the memory of a large batch's texts, about 3 KB a row.
_ROWS_AT_ONCE: Final = 16_384
_DUPLICATE: Final = FieldError("transaction_id", "duplicate_id", "was used before with another content")


@dataclass(frozen=True, slots=True)
class WorkConfig:
    """All a task needs, picklable, made by the driver (see `bootstrap`)."""

    ports: Callable[[], Ports]  # called in the worker: a connection does not travel
    model_directory: Path
    bundle_directory: Path
    bounds: TimeBounds


@lru_cache(maxsize=4)
def bundle_of(directory: Path, model_directory: Path, name: str) -> Bundle:
    """Loaded bundles: the bound one of a repeated plan beside the active one, and a few for a roll-out."""
    return load_bundle(directory, model_directory, name)


def work(config: WorkConfig, plan: Plan, share: int = 0, shares: int = 1) -> Summary:
    """Do one share of the plan: the partitions p with p % shares == share.

    Raises PlanLost, StateFenced, StateMisplaced, StateCorrupt, OffsetLost, Unavailable; the plan can be repeated.
    """
    return _Task(config, plan, share, shares).run()


class _Task:
    def __init__(self, config: WorkConfig, plan: Plan, share: int, shares: int) -> None:
        self._config, self._plan, self._share, self._shares = config, plan, share, shares
        self._partitions = [p for p in plan.busy() if p % shares == share]
        self._ports = config.ports()
        self.summary = Summary()

    def run(self) -> Summary:
        phase, ports, plan = self.summary.phase, self._ports, self._plan
        ports.held.open(plan, self._share, self._shares)
        with phase("read"):
            messages = self._read()
        with phase("parse"):
            rows = take_in(messages[TRANSACTIONS], self._config.bounds)
            inputs = self._side_inputs(messages)
        with phase("customers"):
            computed = self._customers(rows, inputs)
        is_new = computed.status == kernel.NEW
        SharedEntities(ports, plan, self._share, self._shares, self.summary).fill(
            rows.events, rows.entities, computed.explained, is_new, inputs, computed.vectors[:, SHARED]
        )
        ports.held.close(plan, self._share, self._shares)
        ports.plans.check(plan.number)
        if not plan.decides:
            return self.summary
        chosen = np.flatnonzero(~rows.is_decided & is_new)
        for at in range(0, len(chosen), _ROWS_AT_ONCE):
            with phase("decide"):
                emissions = self._decide(rows, computed, chosen[at : at + _ROWS_AT_ONCE])
            with phase("send"):
                for part in emissions:
                    ports.writer.write(*part)
        with phase("send"):
            letters = [self._dead_letter(messages[TRANSACTIONS], r) for r in rows.rejected]
            conflicts = rows.places[computed.status == kernel.CONFLICT].tolist()
            letters += [self._dead_letter(messages[TRANSACTIONS], Rejected(place, [_DUPLICATE])) for place in conflicts]
            for letter in letters:
                ports.writer.write(letter.topic, [letter.key], [letter.value])
            ports.writer.flush()
        self.summary.decided, self.summary.dead = len(chosen), len(letters)
        return self.summary

    def _read(self) -> dict[str, list[Any]]:
        """Messages by topic, by partition and offset."""
        ranges = {
            (topic, p): span
            for topic in self._plan.starts
            for p, span in self._plan.ranges(topic, self._partitions).items()
        }
        found = self._ports.reader.read(ranges)
        self.summary.records = sum(map(len, found.values()))
        return {topic: [m for p in self._partitions for m in found.get((topic, p), ())] for topic in self._plan.starts}

    def _side_inputs(self, messages: dict[str, list[Any]]) -> list[SideInput]:
        labels, answers = messages[LABELS], messages[AUTHORISATIONS]
        if not labels and not answers:
            return []
        found = []
        for p in self._partitions:
            found += side_inputs(
                p,
                [m.value() for m in labels if m.partition() == p],
                [m.value() for m in answers if m.partition() == p],
            )
        return found

    def _customers(self, rows: Intake, inputs: list[SideInput]) -> Computed:
        """Features of the customers and cards; their records are written."""
        places, firsts = group(rows.customers, np.zeros(len(rows), np.int32))
        names = rows.customer_ids(firsts)
        owners = rows.partitions[firsts]
        strays = np.flatnonzero(owners[places] != rows.partitions)
        if strays.size:
            stray = int(strays[0])
            name = names[places[stray]]
            raise StateMisplaced(name, int(owners[places[stray]]), int(rows.partitions[stray]))
        known = {name: place for place, name in enumerate(names)}
        for one in inputs:
            if one.customer_id not in known:
                known[one.customer_id] = len(names)
                names.append(one.customer_id)
        store, cache = self._ports.customers, self._ports.held
        store_keys = store.keys(names)
        held = cache.read(store_keys, store.read)
        owner_of = np.full(len(names), -1)
        owner_of[: len(owners)] = owners
        for place in range(len(owners), len(names)):
            owner_of[place] = partition_of(held[place])
        # What is said of a customer whom another partition has, or nobody knows, changes no customer's record.
        inputs = [i for i in inputs if owner_of[known[i.customer_id]] == i.partition]
        computed = empty_computed(len(rows))
        written: list[tuple[int, bytes]] = []
        for p in self._partitions:
            own = np.flatnonzero(owner_of == p)
            if not own.size:
                continue
            mine = np.flatnonzero(rows.partitions == p)
            local = np.full(len(names), -1, np.int32)
            local[own] = np.arange(len(own), dtype=np.int32)
            keys = [names[i] for i in own.tolist()]
            marks = _marks(rows.events[mine], [i for i in inputs if i.partition == p], known, local)
            span = BatchSpan(
                self._plan.log, p, self._plan.start(p), self._plan.end(p), self._plan.starts[TRANSACTIONS][p]
            )
            part, after = compute_batch(
                rows.events[mine], local[places[mine]], keys, [held[i] for i in own.tolist()], span, marks
            )
            written += zip(own.tolist(), after, strict=True)
            computed.put(mine, part)
        changed, records = [store_keys[i] for i, _ in written], [record for _, record in written]
        store.write(self._plan.number, changed, records)
        cache.put(changed, records)
        return computed

    def _decide(
        self,
        rows: Intake,
        computed: Computed,
        chosen: NDArray[np.intp],
    ) -> list[Emissions]:
        bundle, ends = self._bundle, [self._plan.end(p) for p in range(self._plan.partitions)]
        vectors = computed.vectors[chosen]
        # Every entity of these rows has been written with this plan.
        read = np.where(rows.entities[chosen] != 0, self._plan.total_end, -1)
        scores = bundle.scorer.score(vectors)
        verdicts = evaluate(bundle.policy, rows.columns(bundle.policy.transaction_columns, chosen), vectors, scores)
        now = time.time_ns() // 1_000_000
        waited = np.maximum(now - rows.ingested_at[chosen], 0).astype(np.float64)
        return assemble(
            rows.payments(chosen),
            vectors,
            scores,
            verdicts,
            self._context(),
            record_versions(computed.versions[chosen], read, ends),
            now,
            waited,
        ).by_topic()

    def _context(self) -> DecisionContext:
        bundle = self._bundle
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

    @property
    def _bundle(self) -> Bundle:
        return bundle_of(self._config.bundle_directory, self._config.model_directory, self._plan.bundle)

    @staticmethod
    def _dead_letter(messages: list[Any], rejected: Rejected) -> Emission:
        message = messages[rejected.place]
        key = message.key() or b""
        if len(key) > MAX_KEY_BYTES:
            key = b""  # by reference, like a payload that is too large
        letter = dead_letter(
            rejected.errors,
            topic=TRANSACTIONS,
            partition=message.partition(),
            offset=message.offset(),
            key=key or None,
            payload=message.value(),
            at_ms=message.timestamp()[1],
        )
        return Emission(dead_letter_topic(TRANSACTIONS), key, orjson.dumps(letter))


def _marks(
    events: NDArray[np.void], inputs: list[SideInput], known: dict[str, int], local: NDArray[np.int32]
) -> NDArray[np.void]:
    """MARK[m] of one partition, placed among its events. `local`: places of all names among the partition's."""
    rows = [
        (local[known[i.customer_id]], 0, i.transaction, FRAUD if i.is_label else DECLINED, i.is_bad) for i in inputs
    ]
    return place_marks(events, np.array(rows, MARK), np.array([i.observed_at for i in inputs], np.int64))
