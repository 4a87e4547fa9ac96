"""Both doors refuse the same bodies for the same reasons, and nothing of them is decided."""

from __future__ import annotations

from typing import NamedTuple

import orjson
import pytest
from flask.testing import FlaskClient

from data_pipeline.stream.intake import take_in
from fraud_prevention.api.app import ApiParts, create_app
from fraud_prevention.api.metrics import ApiMetrics
from fraud_prevention.domain import topics
from fraud_prevention.domain.dead_letter import dead_letter
from fraud_prevention.domain.errors import FieldError
from storage_security.kafka.memory_log import MemoryBroker, MemoryLog
from tests.fixtures.bad_bodies import BAD_BODIES, NOW_MS, Reasons, body
from tests.fixtures.deciding import BOUNDS, decide_without_redis, new_broker, on_topic


@pytest.fixture
def broker() -> MemoryBroker:
    return new_broker()


@pytest.fixture
def client(broker: MemoryBroker) -> FlaskClient:
    decide = decide_without_redis(MemoryLog(broker), NOW_MS)
    parts = ApiParts(decide, {}, ApiMetrics(), {}, max_body_bytes=2_097_152, deadline_s=1)
    return create_app(parts).test_client()


class Sent(NamedTuple):
    """What the stream asks of a message of Kafka."""

    body: bytes

    def value(self) -> bytes:
        return self.body

    def offset(self) -> int:
        return 0

    def partition(self) -> int:
        return 0

    def timestamp(self) -> tuple[int, int]:
        return 1, NOW_MS


def at_the_stream(value: bytes) -> list[FieldError]:
    """What the stream finds in a record."""
    rejected = take_in([Sent(value)], BOUNDS).rejected
    return rejected[0].errors if rejected else []


@pytest.mark.parametrize(("value", "reasons"), BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_same_body_gets_the_same_reasons_at_both_doors(
    client: FlaskClient, broker: MemoryBroker, value: bytes, reasons: Reasons
) -> None:
    response = client.post("/v1/decisions", data=value, content_type="application/json")
    assert response.status_code == 422
    at_the_api = [FieldError(**error) for error in response.get_json()["errors"]]
    assert tuple((error.field, error.code) for error in at_the_api) == reasons
    assert at_the_stream(value) == at_the_api
    assert on_topic(broker, topics.DECISIONS) == []


@pytest.mark.parametrize(("value", "reasons"), BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_every_reason_can_be_written_into_a_dead_letter(value: bytes, reasons: Reasons) -> None:
    letter = dead_letter(
        at_the_stream(value), topic=topics.TRANSACTIONS, partition=0, offset=0, key=None, payload=value, at_ms=NOW_MS
    )
    assert len(orjson.loads(orjson.dumps(letter))["errors"]) == len(reasons)


def test_good_body_passes_both_doors(client: FlaskClient) -> None:
    assert at_the_stream(body()) == []
    assert client.post("/v1/decisions", data=body(), content_type="application/json").status_code == 200
