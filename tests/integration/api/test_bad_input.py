"""Bad input is answered with problem details that name the field; nothing crashes, nothing is accepted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fraud_prevention.domain import topics

Payload = dict[str, Any]
MakePayload = Callable[..., Payload]
URL = "/v1/decisions"
MEGABYTE = 1_048_576
DAY_MS = 86_400_000


def send(client: FlaskClient, body: bytes | str) -> TestResponse:
    return client.post(URL, data=body, content_type="application/json")


def assert_names(response: TestResponse, field: str, code: str) -> None:
    assert response.status_code == 422, response.data
    assert response.content_type == "application/problem+json"
    problem = response.get_json()
    assert problem["status"] == 422
    assert (field, code) in [(error["field"], error["code"]) for error in problem["errors"]]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"transaction_id": None}, "transaction_id", "missing"),
        ({"transaction_id": "has blanks"}, "transaction_id", "bad_format"),
        ({"transaction_id": "x" * 65}, "transaction_id", "bad_format"),
        ({"customer_id": 42}, "customer_id", "wrong_type"),
        ({"customer_id": "c" * MEGABYTE}, "customer_id", "bad_format"),
        ({"amount_minor": "5000"}, "amount_minor", "wrong_type"),
        ({"amount_minor": 50.0}, "amount_minor", "wrong_type"),
        ({"amount_minor": True}, "amount_minor", "wrong_type"),
        ({"amount_minor": -1}, "amount_minor", "out_of_range"),
        ({"amount_minor": 10**12}, "amount_minor", "out_of_range"),
        ({"amount_minor": 10**40}, "amount_minor", "out_of_range"),
        ({"currency": "XXX"}, "currency", "unknown_value"),
        ({"currency": "eur"}, "currency", "unknown_value"),
        ({"currency": "KPW"}, "currency", "no_rate"),
        ({"merchant_country": "ZZ"}, "merchant_country", "unknown_value"),
        ({"channel": "pigeon"}, "channel", "unknown_value"),
        ({"mcc": 5411}, "mcc", "wrong_type"),
        ({"mcc": "541"}, "mcc", "bad_format"),
        ({"event_time": "now"}, "event_time", "wrong_type"),
        ({"event_time": -1}, "event_time", "out_of_range"),
        ({"utc_offset_min": 900}, "utc_offset_min", "out_of_range"),
        ({"lat": 91}, "lat", "out_of_range"),
        ({"lat": "48.2"}, "lat", "wrong_type"),
        ({"lat": {"deg": 48}}, "lat", "wrong_type"),
        ({"lon": [[[[16.4]]]]}, "lon", "wrong_type"),
        ({"device_id": ""}, "device_id", "bad_format"),
        ({"ip": "not an address"}, "ip", "bad_format"),
        ({"card_bin": "4000"}, "card_bin", "bad_format"),
        ({"decided_by": "me"}, "decided_by", "unknown_value"),
        ({"is_fraud": True}, "is_fraud", "unknown_field"),
        ({"\ud800": 1}, "\ud800", "unknown_field"),
    ],
)
def test_wrong_field_is_named(
    client: FlaskClient, make_payload: MakePayload, changes: Payload, field: str, code: str
) -> None:
    assert_names(send(client, json.dumps(make_payload(**changes))), field, code)


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize(("field", "code"), [("lat", "out_of_range"), ("amount_minor", "wrong_type")])
def test_number_that_is_none_is_named(
    client: FlaskClient, make_payload: MakePayload, literal: str, field: str, code: str
) -> None:
    body = json.dumps(make_payload(**{field: "HERE"})).replace('"HERE"', literal)
    assert_names(send(client, body), field, code)


def test_time_out_of_bounds_is_named(client: FlaskClient, make_payload: MakePayload) -> None:
    now_ms = time.time_ns() // 1_000_000
    ahead = send(client, orjson.dumps(make_payload(event_time=now_ms + 600_000)))
    assert_names(ahead, "event_time", "in_future")
    behind = send(client, orjson.dumps(make_payload(event_time=now_ms - 31 * DAY_MS)))
    assert_names(behind, "event_time", "too_old")


def test_every_wrong_field_is_named_at_once(client: FlaskClient, make_payload: MakePayload) -> None:
    response = send(client, json.dumps(make_payload(amount_minor=-1, currency="?", mcc=1)))
    assert {error["field"] for error in response.get_json()["errors"]} == {"amount_minor", "currency", "mcc"}


def test_key_that_stands_twice_is_named(client: FlaskClient, make_payload: MakePayload) -> None:
    body = json.dumps(make_payload())[:-1] + ', "amount_minor": 1}'
    assert_names(send(client, body), "amount_minor", "duplicate_key")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b'{"transaction_id": "t1",}', "malformed_json"),
        (b"\xff\xfe{}", "malformed_json"),
        (b"\xef\xbb\xbf{}", "malformed_json"),
        (b'{"amount_minor": ' + b"9" * 5_000 + b"}", "malformed_json"),
        (b'{"lat": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deep"),
        (b"[]", "wrong_type"),
        (b"null", "wrong_type"),
        (b'"text"', "wrong_type"),
    ],
)
def test_body_that_is_no_object_is_refused(client: FlaskClient, body: bytes, code: str) -> None:
    assert_names(send(client, body), "$", code)


def test_body_beyond_the_limit_is_refused_unread(client: FlaskClient) -> None:
    response = send(client, b"{" + b" " * 3 * MEGABYTE + b"}")
    assert response.status_code == 413
    assert response.content_type == "application/problem+json"
    assert response.get_json()["errors"][0]["code"] == "too_large"


def test_other_media_type_method_and_path_are_problems_too(client: FlaskClient) -> None:
    for response, status in (
        (client.post(URL, data="a=1", content_type="application/x-www-form-urlencoded"), 415),
        (client.delete(URL), 405),
        (client.get("/no-such-page"), 404),
    ):
        assert response.status_code == status
        assert response.content_type == "application/problem+json"
        assert response.get_json()["status"] == status


def test_nothing_refused_is_accepted(
    client: FlaskClient, make_payload: MakePayload, on_log: Callable[..., list[Payload]]
) -> None:
    payload = make_payload(amount_minor=-1)
    assert send(client, json.dumps(payload)).status_code == 422
    for topic in (topics.TRANSACTIONS, topics.DECISIONS):
        assert on_log(topic, payload["transaction_id"]) == []
    # The id is still free: a mended request is decided.
    assert send(client, json.dumps({**payload, "amount_minor": 1})).status_code == 200
