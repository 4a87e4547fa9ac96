"""A share of one plan, from the log to the log: the body of a task, the same under Spark and in `lite`.

1. read the ranges of the share's partitions; what is no transaction becomes a dead letter;
2. customers' features in the order of the log; their records are written;
3. what was met of merchants, terminals, devices and networks goes to the share that owns each; when every share has
   handed over, each takes all of it into its entities' records and writes them;
4. when every share has written, the shared entities' features, from the records;
5. score, rules, decision; out with everything, unless the plan has been left behind.

A repeated attempt starts from the version of the state before the plan and repeats the same content.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from data_pipeline.stream.side_inputs import SideInput, side_inputs
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
from model.features.entities import engine as shared
from model.features.entities.merge import MEETING, REPORT, REPORTED_KINDS, PlanSpan, meetings_of, merge, touched
from model.features.grouping import group
from model.features.record import DECLINED, FRAUD, MARK, partition_of

# Longer than any sound batch takes; a partition that is not through by then has failed, and the plan is repeated.
BARRIER_TIMEOUT_S: Final = 120.0
_DUPLICATE: Final = FieldError("transaction_id", "duplicate_id", "was used before with another content")


@dataclass(frozen=True, slots=True)
class WorkConfig:
    """All a task needs, picklable, made by the driver (see `bootstrap`)."""

    ports: Callable[[], Ports]  # called in the worker: a connection does not travel
    model_directory: Path
    bundle_directory: Path
    bounds: TimeBounds


@dataclass(slots=True)
class Summary:
    """What a task did: counts, and seconds of each phase."""

    records: int = 0
    decided: int = 0
    dead: int = 0
    phases_s: dict[str, float] = field(default_factory=dict)

    def add(self, other: Summary) -> None:
        """Take another share's figures in."""
        self.records += other.records
        self.decided += other.decided
        self.dead += other.dead
        for name, seconds in other.phases_s.items():
            self.phases_s[name] = self.phases_s.get(name, 0.0) + seconds

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        started_s = time.perf_counter()
        yield
        self.phases_s[name] = self.phases_s.get(name, 0.0) + time.perf_counter() - started_s


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
        self._bundle = bundle_of(config.bundle_directory, config.model_directory, plan.bundle)
        self.summary = Summary()

    def run(self) -> Summary:
        phase, ports, plan = self.summary.phase, self._ports, self._plan
        with phase("read"):
            messages = self._read()
        with phase("parse"):
            rows = take_in(messages[TRANSACTIONS], self._config.bounds)
            inputs = self._side_inputs(messages)
        with phase("customers"):
            computed = self._customers(rows, inputs)
        with phase("hand over"):
            met = self._exchange(rows, inputs, computed)
        with phase("entities"):
            self._entities(*met)
        self._meet("entities")
        ports.entities.drop_exchange(plan.number, self._share, self._shares)
        with phase("shared"):
            chosen = np.flatnonzero(~rows.is_decided & (computed.status == kernel.NEW))
            vectors, versions = self._read_shared(rows, computed, chosen)
        ports.plans.check(plan.number)
        with phase("decide"):
            emissions = self._decide(rows, computed, chosen, vectors, versions)
        with phase("send"):
            letters = [self._dead_letter(messages[TRANSACTIONS], r) for r in rows.rejected]
            conflicts = rows.places[computed.status == kernel.CONFLICT].tolist()
            letters += [self._dead_letter(messages[TRANSACTIONS], Rejected(place, [_DUPLICATE])) for place in conflicts]
            for letter in letters:
                ports.writer.write(letter.topic, [letter.key], [letter.value])
            for part in emissions:
                ports.writer.write(*part)
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
        held = self._ports.customers.read(names)
        owner_of = np.full(len(names), -1)
        owner_of[: len(owners)] = owners
        for place in range(len(owners), len(names)):
            owner_of[place] = partition_of(held[place])
        # What is said of a customer whom another partition has, or nobody knows, changes no customer's record.
        inputs = [i for i in inputs if owner_of[known[i.customer_id]] == i.partition]
        computed = empty_computed(len(rows))
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
            self._ports.customers.write(keys, after, span)
            computed.put(mine, part)
        return computed

    def _meet(self, stage: str) -> None:
        """Wait until every share of the plan has come this far."""
        if self._shares > 1:
            with self.summary.phase("wait"):
                self._ports.plans.mark(self._plan.number, stage, self._share, self._shares)
                self._ports.plans.wait(self._plan.number, stage, self._shares, BARRIER_TIMEOUT_S)

    def _exchange(
        self, rows: Intake, inputs: list[SideInput], computed: Computed
    ) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """Meetings and reports of the entities that this share owns, from all shares."""
        meetings = meetings_of(rows.events, rows.entities, computed.explained, computed.status == kernel.NEW)
        reports = _reports(inputs)
        if self._shares == 1:
            return meetings, reports
        number, share, shares = self._plan.number, self._share, self._shares
        parts = [
            (meetings[meetings["entity"] % shares == other], reports[reports["entity"] % shares == other])
            for other in range(shares)
        ]
        self._ports.entities.hand_over(number, share, [_packed(*part) for part in parts])
        self._meet("handed over")
        found = [parts[share], *map(_unpacked, self._ports.entities.take_over(number, share, shares))]
        return np.concatenate([m for m, _ in found]), np.concatenate([r for _, r in found])

    def _entities(self, meetings: NDArray[np.void], reports: NDArray[np.void]) -> None:
        """Records of the entities that this share owns, written."""
        target = touched(meetings, reports)
        if not len(target.codes):
            return
        entities = self._ports.entities
        span = PlanSpan(self._plan.log, self._plan.total_start, self._plan.total_end)
        held = entities.read_of(target.codes, target.kinds)
        after = merge(held, target, meetings, reports, span)
        entities.write_of(self._plan.number, target.codes, target.kinds, after)

    def _read_shared(
        self, rows: Intake, computed: Computed, chosen: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Vectors of the rows to decide, the shared entities' features filled in, and the versions of what was read."""
        vectors = computed.vectors[chosen]
        target = shared.named(rows.entities[chosen])
        records = self._ports.entities.read_of(target.codes, target.kinds)
        versions = shared.compute(rows.events[chosen], target, records, vectors[:, SHARED])
        return vectors, versions

    def _decide(
        self,
        rows: Intake,
        computed: Computed,
        chosen: NDArray[np.intp],
        vectors: NDArray[np.float64],
        read: NDArray[np.int64],
    ) -> list[Emissions]:
        if not chosen.size:
            return []
        bundle, ends = self._bundle, [self._plan.end(p) for p in range(self._plan.partitions)]
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
            record_versions(computed.versions[chosen].tolist(), read, ends),
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


def _reports(inputs: list[SideInput]) -> NDArray[np.void]:
    """REPORT[r]: what the labels say of the merchant and the terminal."""
    rows = [
        (code, i.event_time, i.transaction & 0xFFFFFFFF, i.observed_s, kind, i.is_bad, 0, 0)
        for i in inputs
        if i.is_label
        for kind, code in zip(REPORTED_KINDS, (i.merchant, i.terminal), strict=True)
        if code
    ]
    return np.array(rows, REPORT)


def _packed(meetings: NDArray[np.void], reports: NDArray[np.void]) -> bytes:
    return len(meetings).to_bytes(8, "little") + meetings.tobytes() + reports.tobytes()


def _unpacked(part: bytes) -> tuple[NDArray[np.void], NDArray[np.void]]:
    count = int.from_bytes(part[:8], "little")
    end = 8 + count * MEETING.itemsize
    return np.frombuffer(part[8:end], MEETING), np.frombuffer(part[end:], REPORT)
