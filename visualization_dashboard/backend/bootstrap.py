"""Puts the dashboard API together: the only module of this package that names adapters."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from flask import Flask
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import Engine, text

from config import DashboardSettings, KafkaSettings, PostgresSettings
from fraud_prevention.clock import SystemClock
from fraud_prevention.domain.metrics import DASHBOARD_FEED_CLIENTS
from fraud_prevention.ports import OFFSET_END
from fraud_prevention.usecases.cases import CaseDesk
from storage_security.kafka.confluent_reader import ConfluentReader
from storage_security.kafka.reader import UniqueReader
from storage_security.postgres.case_store import PostgresCaseStore
from storage_security.postgres.engine import availability, connect
from storage_security.postgres.figures import read_totals
from visualization_dashboard.backend.app import create_app
from visualization_dashboard.backend.feed import FeedHub
from visualization_dashboard.backend.feed_consumer import TOPICS, FeedConsumer
from visualization_dashboard.backend.figures import FigureBoard
from visualization_dashboard.backend.live_window import LiveWindow
from visualization_dashboard.backend.services import Services

# The feed shows each fact once as far as this many facts back.
_REMEMBERED_FACTS = 50_000
_STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Every group the dashboard API reads."""

    kafka: KafkaSettings
    postgres: PostgresSettings
    dashboard: DashboardSettings

    @classmethod
    def read(cls) -> Settings:
        """From the environment. Raises ValidationError."""
        return cls(KafkaSettings(), PostgresSettings(), DashboardSettings())


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A running API without its web server.

    `stop` ends the feed and with it every client's stream; `close` waits for that and lets go of connections.
    """

    app: Flask
    stop: Callable[[], None]
    close: Callable[[], None]


class LogFeed:
    """A `FeedSource` on Kafka that begins at the end of the topics."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._reader = ConfluentReader(settings)
        self._unique = UniqueReader(self._reader, _REMEMBERED_FACTS)
        partitions = [partition for topic in TOPICS for partition in self._reader.partitions(topic)]
        self._reader.assign(dict.fromkeys(partitions, OFFSET_END))

    def poll(self, max_records: int, timeout_s: float) -> list[tuple[str, dict[str, Any] | None]]:
        """See FeedSource.poll."""
        return [(event.record.topic, event.payload) for event in self._unique.poll(max_records, timeout_s)]

    def close(self) -> None:
        """See FeedSource.close."""
        self._reader.close()


def build_dashboard(settings: Settings) -> Dashboard:
    """Make the application and start its feed. Call it in the process that serves: threads don't survive a fork."""
    clock = SystemClock()
    engine = connect(settings.postgres.dsn.get_secret_value(), settings.postgres.pool_size)
    hub = FeedHub(settings.dashboard.feed_size, settings.dashboard.feed_clients, lambda: clock.now_ms() / 1000)
    window = LiveWindow(lambda: clock.now_ms() / 1000)
    consumer = FeedConsumer(lambda: LogFeed(settings.kafka), hub, window)
    board = FigureBoard(lambda since_ms: read_totals(engine, since_ms), window, lambda: clock.now_ms() / 1000)
    services = Services(
        desk=CaseDesk(PostgresCaseStore(engine), clock.now_ms, lambda: uuid4().hex),
        feed=hub,
        figures=board.read,
        checks={"postgresql": lambda: _ping(engine), "kafka": consumer.check},
        metrics=_metrics(hub),
        officer=settings.dashboard.officer,
        clock_ms=clock.now_ms,
    )
    ended = threading.Event()
    thread = threading.Thread(target=consumer.run, args=(ended,), name="feed", daemon=True)
    thread.start()

    def close() -> None:
        ended.set()
        thread.join(_STOP_S)
        engine.dispose()

    return Dashboard(create_app(services, settings.dashboard.allowed_hosts), ended.set, close)


def _ping(engine: Engine) -> None:
    with availability(), engine.connect() as connection:
        connection.execute(text("SELECT 1"))


def _metrics(hub: FeedHub) -> CollectorRegistry:
    registry = CollectorRegistry()
    metric = DASHBOARD_FEED_CLIENTS
    clients = Gauge(metric.name, metric.description, metric.labels, registry=registry)
    clients.set_function(lambda: hub.client_count)
    return registry
