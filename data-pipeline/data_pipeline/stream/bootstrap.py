"""Puts the stream together: the only module of this package that names adapters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from config import IngestSettings, KafkaSettings, ModelSettings, RedisSettings, StreamSettings
from data_pipeline.stream.bundle import publish_bundle
from data_pipeline.stream.plan import INPUTS, Plan
from data_pipeline.stream.ports import Ports
from data_pipeline.stream.record_cache import RecordCache
from data_pipeline.stream.relearn import relearn
from data_pipeline.stream.runner import Runner
from data_pipeline.stream.summary import Summary
from data_pipeline.stream.work import WorkConfig, work
from fraud_prevention.domain.topics import TRANSACTIONS
from model.features.codes import hash64
from storage_security.kafka.admin import partitions_of, topic_id
from storage_security.kafka.bulk_writer import BulkWriter
from storage_security.kafka.positions import KafkaPositions
from storage_security.kafka.range_reader import RangeReader
from storage_security.redis.client import connect
from storage_security.redis.customer_store import RedisCustomerStore
from storage_security.redis.entity_store import RedisEntityStore
from storage_security.redis.exchange import RedisExchange
from storage_security.redis.plan_store import RedisPlanStore


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """What the driver knows: what its tasks need, the log it reads, what decides."""

    work: WorkConfig
    redis: RedisSettings
    log: int  # hash of the id of the transactions topic
    bundle: str


def stream_config(
    kafka: KafkaSettings, redis: RedisSettings, model: ModelSettings, ingest: IngestSettings, stream: StreamSettings
) -> StreamConfig:
    """Everything that runs needs, checked: raises ArtefactRefused or InvalidPolicy before a record is read."""
    return StreamConfig(
        work=WorkConfig(
            ports=partial(_ports, kafka, redis, stream.record_cache_mb),
            model_directory=model.directory,
            bundle_directory=stream.bundle_dir,
            bounds=ingest.bounds(),
        ),
        redis=redis,
        log=hash64(topic_id(kafka.bootstrap_servers, TRANSACTIONS)) >> 1,
        bundle=publish_bundle(stream.bundle_dir, model.directory, model.policy_file),
    )


def make_runner(
    config: StreamConfig, kafka: KafkaSettings, stream: StreamSettings, by: Callable[[Plan], Summary]
) -> Runner:
    """The loop over the log of these settings, whose plans `by` does."""
    return Runner(
        RedisPlanStore(connect(config.redis)),
        _positions(kafka, stream),
        by,
        config.log,
        lambda: config.bundle,
        stream.max_offsets_per_trigger,
    )


def rebuild_from_log(
    config: StreamConfig, kafka: KafkaSettings, stream: StreamSettings, progress: Callable[[int, int], None]
) -> int:
    """Build the state again from the log, in this process; the store must be clear. See `relearn`."""
    return relearn(
        RedisPlanStore(connect(config.redis)),
        _positions(kafka, stream),
        partial(work, config.work),
        config.log,
        config.bundle,
        stream.max_offsets_per_trigger,
        progress,
    )


def _positions(kafka: KafkaSettings, stream: StreamSettings) -> KafkaPositions:
    partitions = partitions_of(kafka.bootstrap_servers, TRANSACTIONS)
    return KafkaPositions(kafka, INPUTS, partitions, earliest=stream.starting_offsets == "earliest")


@lru_cache(maxsize=1)
def _ports(kafka: KafkaSettings, redis: RedisSettings, cache_mb: int) -> Ports:
    """One connection of each per process, kept between batches."""
    client = connect(redis)
    return Ports(
        RangeReader(kafka),
        BulkWriter(kafka),
        RedisCustomerStore(client),
        RedisEntityStore(client),
        RedisExchange(client),
        RedisPlanStore(client),
        RecordCache(cache_mb << 20),
    )
