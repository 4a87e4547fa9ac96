"""One broker and one set of events for all peers: prepares a peer's run, measures it and checks what came out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ci_cd_testing_deployment.local.stack import LocalStack
from ci_cd_testing_deployment.performance_testing.peers import ours
from ci_cd_testing_deployment.performance_testing.peers.check import (
    Answers,
    Comparison,
    compare,
    output_of,
    read_outputs,
    right_answers,
)
from ci_cd_testing_deployment.performance_testing.peers.environments import ensure_environment
from ci_cd_testing_deployment.performance_testing.peers.job import Job
from ci_cd_testing_deployment.performance_testing.peers.measure import Rates, rates_of, run_program
from ci_cd_testing_deployment.performance_testing.peers.registry import OURS, Peer
from ci_cd_testing_deployment.performance_testing.preload import preload
from config import KafkaSettings
from fraud_prevention.ports import TopicPartition
from storage_security.kafka.confluent_reader import ConfluentReader

PARTITIONS: Final = 12
_ADMIN_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Result:
    """What a peer did, and whether it was right."""

    rates: Rates
    comparison: Comparison


class Arena:
    """Runs peers one after the other on a stack that is up."""

    def __init__(self, stack: LocalStack, table: pa.Table, models_dir: Path, work_dir: Path) -> None:
        self._stack, self._table, self._models_dir, self._work_dir = stack, table, models_dir, work_dir
        self._settings = stack.settings()
        self._bootstrap = self._settings["FRAUD_KAFKA_BOOTSTRAP_SERVERS"]
        self._admin = AdminClient({"bootstrap.servers": self._bootstrap, "log_level": 0})
        self._answers: Answers = right_answers(table)
        self._sources: dict[int, str] = {}

    def run(self, peer: Peer) -> Result:
        """Measure one peer. Raises PeerFailed."""
        python = sys.executable if peer.environment is None else str(ensure_environment(peer.environment))
        job = self._job(peer)
        servers = {s.name: s.pid for s in self._stack.status() if s.pid is not None and s.name in peer.servers}
        log = self._work_dir / f"{peer.name}.log"
        with self._reader() as reader:
            places = _places(job.sink)

            def count() -> int:
                return sum(extent.end for extent in reader.extents(places).values())

            samples = run_program(peer, job, python, servers, count, log)
        reading = ours.output_of if peer.name == OURS else output_of
        outputs = read_outputs(self._bootstrap, job.sink, reading)
        return Result(rates_of(samples), compare(outputs, self._answers, job.events))

    def _job(self, peer: Peer) -> Job:
        work_dir = self._work_dir / peer.name
        work_dir.mkdir()
        events = min(self._table.num_rows, peer.events_at_most)
        sink = ours.SINK if peer.name == OURS else f"peer-{peer.name}"
        if peer.name != OURS:
            self._make_topic(sink)
        return Job(
            bootstrap_servers=self._bootstrap,
            source=self._source(events),
            sink=sink,
            events=events,
            work_dir=str(work_dir),
            models_dir=str(self._models_dir),
            redis_url=self._settings.get("FRAUD_REDIS_URL", "") if "redis" in peer.servers else "",
            postgres_dsn=self._settings.get("FRAUD_POSTGRES_DSN", "") if "postgres" in peer.servers else "",
        )

    def _source(self, events: int) -> str:
        """A topic that holds the first events; the product's own holds all."""
        if events not in self._sources:
            topic = ours.SOURCE
            if events < self._table.num_rows:
                topic = f"first-{events}"
                self._make_topic(topic)
            preload(self._bootstrap, topic, self._table.slice(0, events))
            self._sources[events] = topic
        return self._sources[events]

    def _make_topic(self, name: str) -> None:
        for made in self._admin.create_topics([NewTopic(name, PARTITIONS, 1)]).values():
            made.result(timeout=_ADMIN_S)
        with self._reader() as reader:
            reader.extents(_places(name))  # waits for the leaders

    @contextmanager
    def _reader(self) -> Iterator[ConfluentReader]:
        reader = ConfluentReader(KafkaSettings(bootstrap_servers=self._bootstrap))
        try:
            yield reader
        finally:
            reader.close()


def _places(topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for number in range(PARTITIONS)]
