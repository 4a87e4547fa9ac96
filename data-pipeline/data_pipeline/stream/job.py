"""The stream under Spark: each plan is a job of one barrier stage, whose tasks do some partitions each.

Records never pass through the JVM: Spark places the tasks, starts them together, repeats what fails and runs on
whatever cluster there is; the tasks read the log and write it themselves.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import structlog

from config import IngestSettings, KafkaSettings, ModelSettings, ReadySettings, RedisSettings, StreamSettings
from data_pipeline.stream.bootstrap import make_runner, stream_config
from data_pipeline.stream.plan import Plan
from data_pipeline.stream.runner import serve
from data_pipeline.stream.session import build_session
from data_pipeline.stream.summary import Summary
from data_pipeline.stream.warm import warm_kernels
from data_pipeline.stream.work import WorkConfig, bundle_of, work
from fraud_prevention.heartbeat import Heartbeat

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = structlog.get_logger()

_IDLE_S: Final = 0.05


class Warm:
    """What a task does before the first record: load libraries, bundle and compiled loops."""

    def __init__(self, config: WorkConfig, bundle: str) -> None:
        self._config, self._bundle = config, bundle

    def __call__(self, shares: Iterable[int]) -> Iterable[int]:
        config = self._config
        warm_kernels(bundle_of(config.bundle_directory, config.model_directory, self._bundle))
        return shares


class Task:
    """What a task does with a plan: one share of it.

    Spark does not say which of its Python processes gets which task, and one that goes on with the partitions it
    had need not seek; so a process takes the share that it had before, if no other has taken it.
    """

    def __init__(self, config: WorkConfig, plan: Plan, shares: int) -> None:
        self._config, self._plan, self._shares = config, plan, shares
        self._attempt = uuid.uuid4().hex

    def __call__(self, _: Iterable[int]) -> Iterable[Summary]:
        share = self._config.ports().plans.claim(self._attempt, _last[0], self._shares)
        _last[:] = [share]
        return [work(self._config, self._plan, share, self._shares)]


# The share that this process did last; -1 before the first.
_last: Final = [-1]


def work_by(session: SparkSession, config: WorkConfig) -> Callable[[Plan], Summary]:
    """A worker of plans: one barrier stage each, as many tasks as there are cores."""
    context = session.sparkContext
    cores = context.defaultParallelism

    def run(plan: Plan) -> Summary:
        shares = min(cores, plan.partitions)
        total = Summary()
        for part in (
            context.parallelize(range(shares), shares).barrier().mapPartitions(Task(config, plan, shares)).collect()
        ):
            total.add(part)
        return total

    return run


def warm_workers(session: SparkSession, config: WorkConfig, bundle: str) -> None:
    """Start as many Python workers as there are cores and let each load what it will need."""
    cores = session.sparkContext.defaultParallelism
    session.sparkContext.parallelize(range(cores), cores).barrier().mapPartitions(Warm(config, bundle)).collect()


def run() -> int:
    """Run until SIGTERM or SIGINT. Returns the exit code. Raises FraudError."""
    kafka, stream = KafkaSettings(), StreamSettings()
    config = stream_config(kafka, RedisSettings(), ModelSettings(), IngestSettings(), stream)
    session = build_session(stream)
    try:
        warm_workers(session, config.work, config.bundle)
        runner = make_runner(config, kafka, stream, work_by(session, config.work))
        log.info("stream started", bundle=config.bundle, runner="spark")
        serve(runner, Heartbeat(ReadySettings().file), _IDLE_S)
    finally:
        session.stop()
    return 0
