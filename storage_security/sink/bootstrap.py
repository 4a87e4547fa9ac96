"""Puts the sink process together: the only module of this package that names adapters."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from config import KafkaSettings, PostgresSettings, ReadySettings, RedisSettings, SinkSettings
from fraud_prevention.clock import SystemClock
from fraud_prevention.domain.errors import Unavailable
from fraud_prevention.heartbeat import Heartbeat
from storage_security.kafka.admin import topic_id
from storage_security.kafka.confluent_log import ConfluentLog
from storage_security.kafka.confluent_reader import ConfluentReader
from storage_security.postgres.engine import connect
from storage_security.postgres.migrate import require_head
from storage_security.postgres.positions import Positions
from storage_security.redis import client as redis_client
from storage_security.redis.alert_cache import RedisAlertCache
from storage_security.sink.loop import Backoff, SinkLoop
from storage_security.sink.relay import OutboxRelay
from storage_security.sink.rows import TOPICS
from storage_security.sink.writer import SinkWriter

_log = structlog.get_logger(__name__)
_RELAY_STOP_S = 20.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Every group the sink reads."""

    kafka: KafkaSettings
    redis: RedisSettings
    postgres: PostgresSettings
    sink: SinkSettings
    ready: ReadySettings

    @classmethod
    def read(cls) -> Settings:
        """From the environment. Raises ValidationError."""
        return cls(KafkaSettings(), RedisSettings(), PostgresSettings(), SinkSettings(), ReadySettings())


class Sink:
    """The process: the sink loop in the calling thread, the outbox relay beside it; the end of one ends both."""

    def __init__(self, make_loop: Callable[[], SinkLoop], relay: OutboxRelay, stop: threading.Event) -> None:
        self._make_loop = make_loop
        self._relay = relay
        self._stop = stop
        self._failures: list[Exception] = []

    def run(self) -> None:
        """Until the stop event is set. Raises SchemaOutdated, and what ended either loop."""
        loop = self._connect()
        if loop is None:
            return
        relay = threading.Thread(target=self._run_relay, name="outbox-relay")
        relay.start()
        try:
            loop.run(self._stop)
        finally:
            self._stop.set()
            relay.join(_RELAY_STOP_S)
        if self._failures:
            raise self._failures[0]

    def _connect(self) -> SinkLoop | None:
        """Waits for the dependencies; None where the process was stopped before they answered."""
        backoff = Backoff()
        while not self._stop.is_set():
            try:
                return self._make_loop()
            except Unavailable as error:
                _log.warning("sink_waits", dependency=error.dependency, reason=error.reason)
                self._stop.wait(backoff.next_pause_s())
        return None

    def _run_relay(self) -> None:
        try:
            self._relay.run(self._stop)
        except Exception as error:  # noqa: BLE001 - handed to the main thread, which raises it
            self._failures.append(error)
            self._stop.set()


def build_sink(settings: Settings, stop: threading.Event) -> Sink:
    """Nothing connects before it runs."""
    clock = SystemClock()
    engine = connect(settings.postgres.dsn.get_secret_value(), settings.postgres.pool_size)
    cache = RedisAlertCache(redis_client.connect(settings.redis), settings.sink.alert_ttl_s)
    servers = settings.kafka.bootstrap_servers

    def make_loop() -> SinkLoop:
        """Asks the servers what they hold. Raises Unavailable and SchemaOutdated."""
        require_head(engine)
        positions = Positions(settings.sink.group, {topic: topic_id(servers, topic) for topic in TOPICS})
        return SinkLoop(
            open_reader=lambda: ConfluentReader(settings.kafka, settings.sink.group),
            topics=TOPICS,
            writer=SinkWriter(engine, positions, cache, clock.now_ms),
            heartbeat=Heartbeat(settings.ready.file),
            batch_size=settings.sink.batch_size,
        )

    relay = OutboxRelay(engine, ConfluentLog(settings.kafka), settings.kafka.request_timeout_ms / 1000)
    return Sink(make_loop, relay, stop)
