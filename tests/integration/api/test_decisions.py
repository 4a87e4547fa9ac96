"""What a caller of POST /v1/decisions may rely on, on a real broker and a real Redis."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema_rs
import orjson
import redis
from flask.testing import FlaskClient

from config import ApiSettings, KafkaSettings, RedisSettings
from fraud_prevention.bootstrap import Api, Brain, Settings, build_api
from fraud_prevention.domain import topics
from storage_security.redis.idempotency import answer_key
from storage_security.redis.state_store import pending_key

Payload = dict[str, Any]
MakePayload = Callable[..., Payload]
OnLog = Callable[..., list[Payload]]
URL = "/v1/decisions"
NOBODY = "127.0.0.1:1"  # a port where nothing listens


def test_decision_is_answered_and_stands_on_the_log(
    client: FlaskClient, make_payload: MakePayload, on_log: OnLog
) -> None:
    payload = make_payload()
    response = client.post(URL, json=payload)
    assert response.status_code == 200
    answer = response.get_json()
    assert answer["transaction_id"] == payload["transaction_id"]
    assert answer["outcome"] == "approve"
    assert answer["degraded"] == []
    (decision,) = on_log(topics.DECISIONS, payload["transaction_id"])
    assert {key: decision[key] for key in answer.keys() - {"reasons", "latency_ms"}} == {
        key: answer[key] for key in answer.keys() - {"reasons", "latency_ms"}
    }
    (transaction,) = on_log(topics.TRANSACTIONS, payload["transaction_id"])
    assert transaction == {**payload, "amount_base_minor": 5_000, "decided_by": "api"}
    (features,) = on_log(topics.FEATURES, payload["transaction_id"])
    assert features["catalogue_version"] == decision["catalogue_version"]
    assert on_log(topics.ALERTS, payload["transaction_id"]) == []


def test_stopped_transaction_says_why_and_raises_an_alert(
    client: FlaskClient, make_payload: MakePayload, on_log: OnLog
) -> None:
    payload = make_payload(amount_minor=400_000, mcc="5944")
    answer = client.post(URL, json=payload).get_json()
    assert answer["outcome"] != "approve"
    assert "new_customer_large_amount" in answer["rule_hits"]
    assert [reason["code"] for reason in answer["reasons"]] == answer["reason_codes"]
    (alert,) = on_log(topics.ALERTS, payload["transaction_id"])
    assert alert["outcome"] == answer["outcome"]
    assert alert["transaction"]["amount_minor"] == 400_000
    assert alert["features"]["amount_base_minor"] == 400_000


def test_second_request_sees_the_first_one_ten_milliseconds_later(
    client: FlaskClient, make_payload: MakePayload, on_log: OnLog
) -> None:
    first, second = make_payload(), make_payload()
    second["event_time"] = first["event_time"] + 10
    for payload in (first, second):
        assert client.post(URL, json=payload).status_code == 200
    ids = first["transaction_id"], second["transaction_id"]
    by_id = {row["transaction_id"]: row["vector"] for row in on_log(topics.FEATURES, *ids)}
    assert [by_id[i][0] for i in ids] == [0.0, 1.0]  # card_txn_count_5m


def test_same_request_gets_the_same_bytes(client: FlaskClient, make_payload: MakePayload, on_log: OnLog) -> None:
    payload = make_payload()
    first = client.post(URL, json=payload)
    reordered = dict(reversed(payload.items()))
    repeated = client.post(URL, data=orjson.dumps(reordered), content_type="application/json")
    assert repeated.status_code == 200
    assert repeated.data == first.data
    assert client.get(f"{URL}/{payload['transaction_id']}").data == first.data
    assert len(on_log(topics.DECISIONS, payload["transaction_id"])) == 1


def test_same_id_with_another_body_is_refused(client: FlaskClient, make_payload: MakePayload, on_log: OnLog) -> None:
    payload = make_payload()
    client.post(URL, json=payload)
    response = client.post(URL, json={**payload, "amount_minor": 5_001})
    assert response.status_code == 409
    assert response.content_type == "application/problem+json"
    assert response.get_json()["type"] == "urn:fraudstream:problem:idempotency-conflict"
    assert len(on_log(topics.TRANSACTIONS, payload["transaction_id"])) == 1


def test_fifty_parallel_requests_with_one_id_decide_once(api: Api, make_payload: MakePayload, on_log: OnLog) -> None:
    payload = make_payload()

    def send(_: int) -> tuple[int, bytes]:
        response = api.app.test_client().post(URL, json=payload)
        return response.status_code, response.data

    with ThreadPoolExecutor(50) as pool:
        answers = set(pool.map(send, range(50)))
    assert len(answers) == 1
    assert answers.pop()[0] == 200
    assert len(on_log(topics.DECISIONS, payload["transaction_id"])) == 1
    assert len(on_log(topics.TRANSACTIONS, payload["transaction_id"])) == 1


def test_unknown_id_is_not_found(client: FlaskClient) -> None:
    response = client.get(f"{URL}/t-nobody-sent-this")
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"


def test_without_kafka_nothing_is_confirmed_and_the_retry_need_not_wait(
    brain: Brain, settings: Settings, make_payload: MakePayload
) -> None:
    quick = settings.api.model_copy(update={"ack_timeout_ms": 300})
    away = KafkaSettings(bootstrap_servers=NOBODY, request_timeout_ms=500)
    api = build_api(brain, Settings(away, settings.redis, settings.ingest, settings.model, quick, None))
    try:
        payload = make_payload()
        response = api.app.test_client().post(URL, json=payload)
        assert response.status_code == 503
        assert response.headers["Retry-After"]
        with redis.Redis.from_url(settings.redis.url) as store:
            assert store.get(answer_key(payload["transaction_id"])) is None
    finally:
        api.close()


def test_decision_refused_for_kafka_is_made_once_it_is_back(
    brain: Brain, settings: Settings, client: FlaskClient, make_payload: MakePayload, on_log: OnLog
) -> None:
    payload = make_payload()
    quick = settings.api.model_copy(update={"ack_timeout_ms": 300})
    away = KafkaSettings(bootstrap_servers=NOBODY, request_timeout_ms=500)
    api = build_api(brain, Settings(away, settings.redis, settings.ingest, settings.model, quick, None))
    try:
        assert api.app.test_client().post(URL, json=payload).status_code == 503
    finally:
        api.close()
    assert client.post(URL, json=payload).status_code == 200
    (features,) = on_log(topics.FEATURES, payload["transaction_id"])
    assert features["vector"][0] == 0.0  # its own first attempt is no earlier transaction
    with redis.Redis.from_url(settings.redis.url) as store:
        assert store.llen(pending_key(payload["customer_id"])) == 1


def test_without_redis_the_decision_is_made_without_history_and_says_so(
    brain: Brain, settings: Settings, make_payload: MakePayload, on_log: OnLog
) -> None:
    away = RedisSettings(url=f"redis://{NOBODY}/0")
    api = build_api(brain, Settings(settings.kafka, away, settings.ingest, settings.model, settings.api, None))
    try:
        payload = make_payload()
        response = api.app.test_client().post(URL, json=payload)
        assert response.status_code == 200
        assert response.get_json()["degraded"] == ["state"]
        (decision,) = on_log(topics.DECISIONS, payload["transaction_id"])
        assert decision["degraded"] == ["state"]
        assert api.app.test_client().get("/readyz").status_code == 503
    finally:
        api.close()


def test_crash_between_claim_and_answer_does_not_lock_the_id(
    brain: Brain, settings: Settings, make_payload: MakePayload
) -> None:
    # The claim's time bounds what follows, not the broker's: its acknowledgement may take long on a busy machine.
    limits = ApiSettings(ack_timeout_ms=30_000, deadline_ms=100, lookup_timeout_ms=100, claim_ttl_ms=31_000)
    api = build_api(brain, Settings(settings.kafka, settings.redis, settings.ingest, settings.model, limits, None))
    try:
        payload = make_payload()
        client = api.app.test_client()
        assert client.post(URL, json=payload).status_code == 200
        with redis.Redis.from_url(settings.redis.url) as store:
            # What a process leaves that died after its claim: the claim in place of the answer, and its time running.
            held = store.get(answer_key(payload["transaction_id"]))
            assert isinstance(held, bytes)
            store.set(answer_key(payload["transaction_id"]), b"C" + held[1:33] + b"t" * 16, px=1_500)
        # It waits for the other caller, longer than the claim lasts.
        assert client.post(URL, json=payload).status_code == 200
    finally:
        api.close()


def test_readiness_health_metrics_and_description_are_served(client: FlaskClient, make_payload: MakePayload) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").get_json() == {"status": "ready", "missing": {}}
    client.post(URL, json=make_payload())
    text = client.get("/metrics").text
    assert 'fraud_api_decisions_total{outcome="approve"} 1.0' in text
    assert 'fraud_api_requests_total{route="/v1/decisions",status="200"} 1.0' in text
    assert client.get("/openapi.json").get_json()["openapi"] == "3.1.0"


def test_description_says_what_the_api_takes_and_gives(client: FlaskClient, make_payload: MakePayload) -> None:
    described = client.get("/openapi.json").get_json()
    schemas = described["components"]["schemas"]
    payload = make_payload()
    assert jsonschema_rs.is_valid(schemas["Transaction"], payload)
    assert not jsonschema_rs.is_valid(schemas["Transaction"], {**payload, "no_such_field": 1})
    document = {"$ref": "#/components/schemas/Decision", "components": described["components"]}
    answer = client.post(URL, json=make_payload(amount_minor=400_000)).get_json()
    assert [error.message for error in jsonschema_rs.validator_for(document).iter_errors(answer)] == []
    shown = described["paths"][URL]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert shown
    for example in shown.values():
        assert jsonschema_rs.is_valid(schemas["Transaction"], example["value"])


def test_every_route_is_described(client: FlaskClient) -> None:
    described = client.get("/openapi.json").get_json()["paths"].keys()
    served = {rule.rule.replace("<", "{").replace(">", "}") for rule in client.application.url_map.iter_rules()}
    assert served - {"/openapi.json"} == set(described)
