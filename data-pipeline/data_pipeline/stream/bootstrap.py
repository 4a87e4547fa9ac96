"""Puts the stream together: the only module of this package that names adapters."""

from __future__ import annotations

from functools import lru_cache, partial

from config import IngestSettings, KafkaSettings, ModelSettings, RedisSettings, StreamSettings
from data_pipeline.stream.bundle import publish_bundle
from data_pipeline.stream.stage import StreamConfig
from fraud_prevention.domain.topics import TRANSACTIONS
from model.features.codes import hash64
from storage_security.kafka.admin import topic_id
from storage_security.redis.state_store import RedisStateStore, connect


def stream_config(
    kafka: KafkaSettings, redis: RedisSettings, model: ModelSettings, ingest: IngestSettings, stream: StreamSettings
) -> StreamConfig:
    """Everything the tasks need, checked: raises ArtefactRefused or InvalidPolicy before a record is read."""
    bundles = stream.checkpoint_dir.parent / "bundles"
    return StreamConfig(
        states=partial(_state_store, redis),
        model_directory=model.directory,
        bundle_directory=bundles,
        bounds=ingest.bounds(),
        log=hash64(topic_id(kafka.bootstrap_servers, TRANSACTIONS)),
        bundle=publish_bundle(bundles, model.directory, model.policy_file),
    )


@lru_cache(maxsize=1)
def _state_store(settings: RedisSettings) -> RedisStateStore:
    """One connection per Python worker, kept between batches."""
    return RedisStateStore(connect(settings))
