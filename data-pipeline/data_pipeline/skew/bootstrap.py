"""Connects the skew meter to the log. The one module of this package that names adapters."""

from __future__ import annotations

from config import IngestSettings, KafkaSettings, SkewSettings
from data_pipeline.skew.follow import Follower
from data_pipeline.skew.meter import SkewMeter
from data_pipeline.skew.recompute import Recompute
from data_pipeline.stream.plan import INPUTS
from fraud_prevention.domain.topics import FEATURES, TRANSACTIONS
from model.features.replay_engines import Replay
from storage_security.kafka.admin import partitions_of
from storage_security.kafka.positions import KafkaPositions
from storage_security.kafka.range_reader import RangeReader


def make_follower(kafka: KafkaSettings, ingest: IngestSettings, skew: SkewSettings, engine: Replay) -> Follower:
    """A follower at the beginning of the log. Raises Unavailable.

    engine: with the history behind it that the stream's state began with, or a new one.
    """
    partitions = partitions_of(kafka.bootstrap_servers, TRANSACTIONS)
    return Follower(
        RangeReader(kafka),
        KafkaPositions(kafka, INPUTS, partitions),
        KafkaPositions(kafka, (FEATURES,), partitions),
        Recompute(engine),
        SkewMeter(skew.share, skew.pending),
        ingest.bounds(),
    )
