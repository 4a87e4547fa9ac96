"""Answers that Redis has lost are found in PostgreSQL before anything is decided again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import redis
from pydantic import SecretStr
from sqlalchemy import insert

from config import PostgresSettings
from fraud_prevention.bootstrap import Api, Brain, Settings, build_api
from fraud_prevention.domain import topics
from storage_security.postgres.engine import connect, to_moment
from storage_security.postgres.migrate import upgrade
from storage_security.postgres.tables import decisions
from storage_security.redis.idempotency import since_key

Payload = dict[str, Any]
MakePayload = Callable[..., Payload]
OnLog = Callable[..., list[Payload]]
URL = "/v1/decisions"


@pytest.fixture
def with_store(settings: Settings, postgres_dsn: str) -> Settings:
    upgrade(postgres_dsn)
    # The machine that runs tests may be busy; what is tested is not how fast it is.
    slow = settings.api.model_copy(update={"lookup_timeout_ms": 1_500})
    return replace(settings, postgres=PostgresSettings(dsn=SecretStr(postgres_dsn)), api=slow)


@pytest.fixture
def api_with_store(brain: Brain, with_store: Settings) -> Iterator[Api]:
    api = build_api(brain, with_store)
    yield api
    api.close()


def store_decision(dsn: str, decision: Payload) -> None:
    """What the sink does with a record of decisions.v1."""
    meta = decision["meta"]
    row = {key: value for key, value in decision.items() if key != "meta"}
    row |= {"event_time": to_moment(row["event_time"]), "decided_at": to_moment(meta["decided_at"])}
    engine = connect(dsn)
    with engine.begin() as connection:
        connection.execute(insert(decisions), [row | {"latency_ms": meta["latency_ms"]}])
    engine.dispose()


def lose_cache(settings: Settings) -> None:
    with redis.Redis.from_url(settings.redis.url) as store:
        store.flushdb()


def test_answer_lost_by_the_cache_is_restored_byte_for_byte(
    api_with_store: Api, with_store: Settings, postgres_dsn: str, make_payload: MakePayload, on_log: OnLog
) -> None:
    client, payload = api_with_store.app.test_client(), make_payload(amount_minor=400_000)
    first = client.post(URL, json=payload)
    store_decision(postgres_dsn, on_log(topics.DECISIONS, payload["transaction_id"])[0])
    lose_cache(with_store)
    assert client.get(f"{URL}/{payload['transaction_id']}").data == first.data
    assert client.post(URL, json=payload).data == first.data
    assert client.post(URL, json=payload).data == first.data
    assert len(on_log(topics.DECISIONS, payload["transaction_id"])) == 1


def test_lost_id_with_another_body_is_still_refused(
    api_with_store: Api, with_store: Settings, postgres_dsn: str, make_payload: MakePayload, on_log: OnLog
) -> None:
    client, payload = api_with_store.app.test_client(), make_payload()
    client.post(URL, json=payload)
    store_decision(postgres_dsn, on_log(topics.DECISIONS, payload["transaction_id"])[0])
    lose_cache(with_store)
    assert client.post(URL, json={**payload, "amount_minor": 1}).status_code == 409


def test_event_after_the_cache_began_costs_no_query(
    api_with_store: Api, with_store: Settings, make_payload: MakePayload
) -> None:
    """The table is gone, so a query would raise: the request is decided because none is made."""
    assert with_store.postgres is not None
    engine = connect(with_store.postgres.dsn.get_secret_value())
    with engine.begin() as connection:
        decisions.drop(connection)
    engine.dispose()
    payload = make_payload()
    with redis.Redis.from_url(with_store.redis.url) as store:
        an_hour_ago_ms = time.time_ns() // 1_000_000 - 3_600_000
        store.set(since_key(payload["transaction_id"]), an_hour_ago_ms)
    assert api_with_store.app.test_client().post(URL, json=payload).status_code == 200


def test_without_postgres_an_id_counts_as_new(brain: Brain, settings: Settings, make_payload: MakePayload) -> None:
    nobody = PostgresSettings(dsn=SecretStr("postgresql://nobody@127.0.0.1:1/none"))
    api = build_api(brain, replace(settings, postgres=nobody))
    try:
        assert api.app.test_client().post(URL, json=make_payload()).status_code == 200
    finally:
        api.close()
