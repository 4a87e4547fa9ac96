"""The decision API on real servers: in process, and as the process that is shipped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from flask.testing import FlaskClient

from config import ROOT, ApiSettings, IngestSettings, KafkaSettings, ModelSettings, RedisSettings
from fraud_prevention.bootstrap import Api, Brain, Settings, build_api, load_brain
from storage_security.kafka.admin import ensure_topics
from tests.fixtures.log import read_topic
from tests.fixtures.models import write_small_model
from tests.fixtures.services import KafkaService

_START_TIMEOUT_S = 60.0
Payload = dict[str, Any]


@pytest.fixture(scope="session")
def model_settings(tmp_path_factory: pytest.TempPathFactory) -> ModelSettings:
    directory = tmp_path_factory.mktemp("models")
    write_small_model(directory)
    return ModelSettings(directory=directory)


@pytest.fixture(scope="session")
def brain(model_settings: ModelSettings) -> Brain:
    return load_brain(model_settings)


@pytest.fixture(scope="session")
def bootstrap_servers(kafka: KafkaService) -> str:
    ensure_topics(kafka.bootstrap_servers, partitions=3)
    return kafka.bootstrap_servers


@pytest.fixture
def settings(bootstrap_servers: str, redis_url: str, model_settings: ModelSettings) -> Settings:
    return Settings(
        kafka=KafkaSettings(bootstrap_servers=bootstrap_servers),
        redis=RedisSettings(url=redis_url),
        ingest=IngestSettings(),
        model=model_settings,
        api=ApiSettings(deadline_ms=400, claim_ttl_ms=8_000),  # the machine that runs tests may be busy
        postgres=None,
    )


@pytest.fixture
def api(brain: Brain, settings: Settings) -> Iterator[Api]:
    built = build_api(brain, settings)
    yield built
    built.close()


@pytest.fixture
def client(api: Api) -> FlaskClient:
    return api.app.test_client()


@pytest.fixture
def make_payload() -> Callable[..., Payload]:
    """Transactions of one customer of the test's own, at this moment, each with an id of its own."""
    customer = f"c-{uuid4().hex[:12]}"

    def make(**changes: Any) -> Payload:
        payload: Payload = {
            "transaction_id": f"t-{uuid4().hex}",
            "event_time": time.time_ns() // 1_000_000,
            "utc_offset_min": 60,
            "customer_id": customer,
            "card_token": f"{customer}-card",
            "merchant_id": "m-grocer",
            "mcc": "5411",
            "amount_minor": 5_000,
            "currency": "EUR",
            "merchant_country": "AT",
            "channel": "chip",
            "lat": 48.2,
            "lon": 16.4,
        }
        return payload | changes

    return make


@pytest.fixture
def on_log(bootstrap_servers: str) -> Callable[..., list[Payload]]:
    """Payloads of a topic that belong to the given transactions."""

    def read(topic: str, *transaction_ids: str) -> list[Payload]:
        return read_topic(bootstrap_servers, topic, set(transaction_ids))

    return read


@dataclass(slots=True)
class ApiProcess:
    """The API as it is shipped: its own process, reached over HTTP."""

    env: dict[str, str]
    url: str
    process: subprocess.Popen[bytes]

    @classmethod
    def started(cls, env: dict[str, str], url: str) -> ApiProcess:
        """Start it and wait until it says that it is ready."""
        found = cls(env, url, _launch(env))
        found.wait_until_ready()
        return found

    def restart(self) -> None:
        """Start it anew after it ended."""
        self.process = _launch(self.env)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        give_up_at = time.monotonic() + _START_TIMEOUT_S
        while not self._is_ready():
            assert self.process.poll() is None, "the API ended while it started"
            assert time.monotonic() < give_up_at, "the API does not get ready"
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def stop(self) -> int:
        """Ask it to end; returns its exit status."""
        self.process.terminate()
        return self.process.wait(30)


def _launch(env: dict[str, str]) -> subprocess.Popen[bytes]:
    entry = str(ROOT / "fraud_prevention" / "real_time_fraud_prevention.py")
    return subprocess.Popen([sys.executable, entry], env=env, cwd=ROOT)


@pytest.fixture
def api_process(settings: Settings) -> Iterator[ApiProcess]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(ROOT, "data-pipeline"))]),
        "FRAUD_KAFKA_BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "FRAUD_REDIS_URL": settings.redis.url,
        "FRAUD_MODEL_DIRECTORY": str(settings.model.directory),
        "FRAUD_API_PORT": str(port),
        "FRAUD_API_DEADLINE_MS": str(settings.api.deadline_ms),
        "FRAUD_API_CLAIM_TTL_MS": str(settings.api.claim_ttl_ms),
    }
    process = ApiProcess.started(env, f"http://127.0.0.1:{port}")
    yield process
    if process.process.poll() is None:
        process.process.kill()
        process.process.wait(10)
