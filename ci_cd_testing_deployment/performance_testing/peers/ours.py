"""The product's stream, as the benchmark of the peers sees it: all that has to change here when the stream does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ci_cd_testing_deployment.performance_testing.peers.check import PLACES, Output
from ci_cd_testing_deployment.performance_testing.peers.job import Job, report_done
from ci_cd_testing_deployment.performance_testing.peers.spark_batches import batch_size
from fraud_prevention.domain.topics import FEATURES as SERVED_VECTORS
from fraud_prevention.domain.topics import TRANSACTIONS

SOURCE: Final = TRANSACTIONS  # the stream's topics have fixed names
SINK: Final = SERVED_VECTORS
_BATCH_AT_MOST: Final = 75_000


def output_of(payload: Mapping[str, Any]) -> Output:
    """The common features of a served vector."""
    vector = payload["vector"]
    return payload["transaction_id"], [vector[place] for place in PLACES]


def run(job: Job) -> None:
    """Drain the transactions through the stream, as `bench_stream` does."""
    from config import IngestSettings, KafkaSettings, ModelSettings, RedisSettings, StreamSettings
    from data_pipeline.stream.bootstrap import make_runner, stream_config
    from data_pipeline.stream.job import warm_workers, work_by
    from data_pipeline.stream.session import build_session

    kafka = KafkaSettings(bootstrap_servers=job.bootstrap_servers)
    stream = StreamSettings(
        bundle_dir=Path(job.work_dir) / "bundles",
        max_offsets_per_trigger=batch_size(job.events, _BATCH_AT_MOST),
    )
    model = ModelSettings(directory=Path(job.models_dir))
    ingest = IngestSettings(enforce_time_bounds=False)
    config = stream_config(kafka, RedisSettings(url=job.redis_url), model, ingest, stream)
    session = build_session(stream)
    try:
        warm_workers(session, config.work, config.bundle)
        runner = make_runner(config, kafka, stream, work_by(session, config.work))
        runner.start()
        done = 0
        while rows := runner.step():
            done += rows
            report_done(done)
    finally:
        session.stop()
