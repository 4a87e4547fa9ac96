"""The streaming query: transactions in, decisions, vectors, alerts and dead letters out."""

from __future__ import annotations

import signal
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog

from config import IngestSettings, KafkaSettings, ModelSettings, ReadySettings, RedisSettings, StreamSettings
from data_pipeline.stream.bootstrap import stream_config
from data_pipeline.stream.parse import parsed
from data_pipeline.stream.session import build_session
from data_pipeline.stream.stage import Stage, StreamConfig, Warm
from fraud_prevention.domain.topics import MAX_MESSAGE_BYTES, TRANSACTIONS
from fraud_prevention.heartbeat import Heartbeat

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

log = structlog.get_logger()

POLL_S: Final = 1  # how often the driver looks at the query: bounds the age of the heartbeat and a stop's delay
STOP_GRACE_S: Final = 20  # a batch in hand may take this long; a cut one would be repeated, not lost
KAFKA_SCHEMA: Final = "value binary, key binary, partition int, offset bigint, timestamp timestamp"
OUTPUT_SCHEMA: Final = "topic string, key binary, value binary"


def start_query(
    session: SparkSession, kafka: KafkaSettings, stream: StreamSettings, config: StreamConfig, *, drain: bool = False
) -> StreamingQuery:
    """Start the query; with `drain` it ends when it has read what the topic holds."""
    checkpoint = stream.checkpoint_dir
    if not checkpoint.is_absolute():
        raise ValueError(f"FRAUD_STREAM_CHECKPOINT_DIR must be absolute, got {checkpoint}")
    source = (
        session.readStream.format("kafka")
        .option("kafka.bootstrap.servers", kafka.bootstrap_servers)
        .option("subscribe", TRANSACTIONS)
        .option("startingOffsets", stream.starting_offsets)
        .option("maxOffsetsPerTrigger", stream.max_offsets_per_trigger)
        # A consumer whose last fetch still waits at the broker waits for it to return; the default is half a second
        # for each partition of a batch, one after the other on few cores.
        .option("kafka.fetch.max.wait.ms", "10")
        .load()
    )
    writer = (
        parsed(source)
        # A task has a fixed price, and a call to Redis too: no more tasks than cores, each with whole partitions.
        .coalesce(session.sparkContext.defaultParallelism)
        .mapInArrow(Stage(config), OUTPUT_SCHEMA)
        .writeStream.format("kafka")
        .option("kafka.bootstrap.servers", kafka.bootstrap_servers)
        .option("kafka.compression.type", "lz4")
        .option("kafka.linger.ms", "5")
        .option("kafka.acks", "all")
        .option("kafka.max.request.size", MAX_MESSAGE_BYTES)  # a dead letter is longer than the record it holds
        .option("checkpointLocation", str(checkpoint))
        .queryName("decide")
    )
    return (writer.trigger(availableNow=True) if drain else writer.trigger(processingTime="0 seconds")).start()


def warm_workers(session: SparkSession, config: StreamConfig) -> None:
    """Start as many Python workers as there are cores and let each load what it will need."""
    cores = session.sparkContext.defaultParallelism
    session.range(cores * 4, numPartitions=cores).mapInArrow(Warm(config), "id bigint").count()
    # A record without content takes the whole way through plan and task and leaves as a dead letter, which is
    # dropped here: the JVM has compiled the plan before the first real record, and no state was touched.
    empty = session.createDataFrame([(b"", b"", 0, 0, datetime.fromtimestamp(0, UTC))], KAFKA_SCHEMA)
    parsed(empty).mapInArrow(Stage(config), OUTPUT_SCHEMA).count()


def run() -> int:
    """Run until SIGTERM or SIGINT; the batch in hand is finished first. Returns the exit code. Raises FraudError."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    kafka, stream = KafkaSettings(), StreamSettings()
    config = stream_config(kafka, RedisSettings(), ModelSettings(), IngestSettings(), stream)
    session = build_session(stream)
    warm_workers(session, config)
    query = start_query(session, kafka, stream, config)
    log.info("stream started", bundle=config.bundle, checkpoint=str(stream.checkpoint_dir))
    heartbeat = Heartbeat(ReadySettings().file)
    try:
        return _watch(query, stop, heartbeat)
    finally:
        heartbeat.stop()
        session.stop()


def _batch(query: StreamingQuery) -> int:
    progress = query.lastProgress
    return -1 if progress is None else int(progress["batchId"])


def _finish(query: StreamingQuery) -> None:
    """Stop between two batches; in the middle of one only when it takes longer than the grace."""
    batch, deadline = _batch(query), time.monotonic() + STOP_GRACE_S
    while query.status["isTriggerActive"] and _batch(query) == batch and time.monotonic() < deadline:
        query.awaitTermination(POLL_S)
    query.stop()


def _watch(query: StreamingQuery, stop: threading.Event, heartbeat: Heartbeat) -> int:
    while query.isActive:
        heartbeat.beat()
        if stop.wait(POLL_S):
            _finish(query)
            log.info("stream stopped")
            return 0
    error = query.exception()
    log.error("stream failed", reason=str(error))
    return 1
