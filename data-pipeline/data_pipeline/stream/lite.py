"""The stream without Spark: one process that owns all partitions, with the same work and the same guarantees."""

from __future__ import annotations

from functools import partial
from typing import Final

import structlog

from config import IngestSettings, KafkaSettings, ModelSettings, ReadySettings, RedisSettings, StreamSettings
from data_pipeline.stream.bootstrap import make_runner, stream_config
from data_pipeline.stream.runner import serve
from data_pipeline.stream.warm import warm_kernels
from data_pipeline.stream.work import bundle_of, work
from fraud_prevention.heartbeat import Heartbeat

log = structlog.get_logger()

_IDLE_S: Final = 0.005  # half of it is added to the latency of a quiet stream


def run() -> int:
    """Run until SIGTERM or SIGINT. Returns the exit code. Raises FraudError."""
    kafka, stream = KafkaSettings(), StreamSettings()
    config = stream_config(kafka, RedisSettings(), ModelSettings(), IngestSettings(), stream)
    warm_kernels(bundle_of(config.work.bundle_directory, config.work.model_directory, config.bundle))
    runner = make_runner(config, kafka, stream, partial(work, config.work))
    log.info("stream started", bundle=config.bundle, runner="lite")
    serve(runner, Heartbeat(ReadySettings().file), _IDLE_S)
    return 0
