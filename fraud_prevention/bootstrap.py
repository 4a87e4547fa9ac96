"""Puts the decision API together: the only module of this package that names adapters."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from flask import Flask
from redis.backoff import NoBackoff
from redis.retry import Retry

from config import ROOT, ApiSettings, IngestSettings, KafkaSettings, ModelSettings, PostgresSettings, RedisSettings
from fraud_prevention.api.app import ApiParts, create_app
from fraud_prevention.api.metrics import ApiMetrics
from fraud_prevention.api.openapi import describe
from fraud_prevention.clock import SystemClock
from fraud_prevention.domain.transaction import Transaction
from fraud_prevention.policy.bundle import Policy, load_policy
from fraud_prevention.policy.decide import columns_of, evaluate
from fraud_prevention.ports import Clock, CustomerState, FeatureKernel, Scorer
from fraud_prevention.usecases.decide import DecideLimits, DecideTransaction, Dependencies
from model.features.online import OnlineKernel
from model.inference.scorer import load_scorer
from storage_security.kafka.confluent_log import ConfluentLog
from storage_security.postgres.decision_lookup import PostgresDecisionLookup
from storage_security.redis.client import Client, connect
from storage_security.redis.idempotency import Lifetimes, RedisAnswerStore
from storage_security.redis.state_store import RedisStateStore

CONTRACTS = ROOT / "data-pipeline" / "contracts"
_PING_TIMEOUT_S = 2.0
_LOOKUP_CONNECTIONS = 8  # after a loss of the cache every request asks, for some minutes
_REDIS_REPEATS = 1


@dataclass(frozen=True, slots=True)
class Settings:
    """Every group the API reads. Without PostgreSQL, old answers live as long as the cache."""

    kafka: KafkaSettings
    redis: RedisSettings
    ingest: IngestSettings
    model: ModelSettings
    api: ApiSettings
    postgres: PostgresSettings | None


@dataclass(frozen=True, slots=True)
class Brain:
    """What decides, loaded and compiled; free of connections, so it may be made before a fork."""

    policy: Policy
    scorer: Scorer
    kernel: FeatureKernel


@dataclass(frozen=True, slots=True)
class Api:
    """A running API without its web server. `close` flushes the log and lets go of every connection."""

    app: Flask
    decide: DecideTransaction
    close: Callable[[], None]


def load_brain(settings: ModelSettings) -> Brain:
    """Load policy and model, and run both once, so that no request waits for a compiler.

    Raises InvalidPolicy and ArtefactRefused.
    """
    kernel = OnlineKernel()
    scorer = load_scorer(settings.directory)
    brain = Brain(load_policy(settings.policy_file, kernel.names), scorer, kernel)
    vector = kernel.compute_one(_WARM_UP, CustomerState(None, (), -1)).values
    features = np.stack([vector, kernel.without_state(_WARM_UP)])
    rows = [_WARM_UP.to_wire()] * len(features)
    evaluate(brain.policy, columns_of(rows, brain.policy.transaction_columns), features, scorer.score(features))
    return brain


def build_api(brain: Brain, settings: Settings, clock: Clock | None = None) -> Api:
    """Connect what is needed and make the application. Connections open on first use."""
    event_log = ConfluentLog(settings.kafka, linger_ms=0)  # a payment waits
    client = connect_redis(settings.redis, settings.api)
    answers = RedisAnswerStore(client, Lifetimes(settings.api.claim_ttl_ms, settings.api.answer_ttl_s * 1000))
    lookup = _connect_lookup(settings)
    needs = Dependencies(
        clock=clock or SystemClock(),
        event_log=event_log,
        answers=answers,
        states=RedisStateStore(client),
        kernel=brain.kernel,
        scorer=brain.scorer,
        policy=brain.policy,
        lookup=lookup,
    )
    ack_timeout_s = settings.api.ack_timeout_ms / 1000
    limits = DecideLimits(ack_timeout_s=ack_timeout_s, in_flight_wait_s=ack_timeout_s)
    decide = DecideTransaction(needs, settings.ingest.bounds(), limits, socket.gethostname())
    parts = ApiParts(
        decide=decide,
        checks={"kafka": lambda: event_log.ping(_PING_TIMEOUT_S), "redis": answers.ping},
        metrics=ApiMetrics(),
        description=describe(CONTRACTS),
        max_body_bytes=settings.api.max_body_bytes,
        deadline_s=settings.api.deadline_ms / 1000,
    )

    def close() -> None:
        event_log.close()
        client.close()
        if lookup is not None:
            lookup.close()

    return Api(create_app(parts), decide, close)


def connect_redis(settings: RedisSettings, api: ApiSettings) -> Client:
    """A client that gives up a silent server within the deadline: a decision without history beats one too late.

    One repeat at once, because a pooled connection may have been closed while it was idle; so each of the two
    attempts has half the time. A cluster's client asks for its map between them, for a third part.
    """
    parts = 1 + _REDIS_REPEATS + int(settings.is_cluster)
    timeout_s = min(settings.timeout_ms, api.deadline_ms) / 1000 / parts
    return connect(settings, timeout_s, Retry(NoBackoff(), _REDIS_REPEATS))


def _connect_lookup(settings: Settings) -> PostgresDecisionLookup | None:
    if settings.postgres is None:
        return None
    dsn = settings.postgres.dsn.get_secret_value()
    return PostgresDecisionLookup(dsn, _LOOKUP_CONNECTIONS, settings.api.lookup_timeout_ms)


_WARM_UP = Transaction(
    transaction_id="warm-up",
    event_time=0,
    utc_offset_min=0,
    customer_id="warm-up",
    card_token="warm-up",  # noqa: S106  # a token in the sense of payment cards
    merchant_id="warm-up",
    mcc="5411",
    amount_minor=0,
    currency="EUR",
    amount_base_minor=0,
    merchant_country="AT",
    channel="chip",
    lat=0.0,
    lon=0.0,
    device_id="warm-up",
)
