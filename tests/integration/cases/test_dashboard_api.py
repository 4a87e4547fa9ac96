"""The dashboard API over HTTP: what it answers, and that every answer keeps to the contract."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from fraud_prevention.domain import topics
from fraud_prevention.domain.errors import Unavailable
from fraud_prevention.ports import Record
from fraud_prevention.usecases.cases import CaseDesk
from storage_security.postgres.case_store import PostgresCaseStore
from storage_security.postgres.figures import read_totals
from storage_security.postgres.positions import Positions
from storage_security.sink.rows import TOPICS
from storage_security.sink.writer import SinkWriter
from visualization_dashboard.backend.app import create_app
from visualization_dashboard.backend.feed import FeedHub
from visualization_dashboard.backend.figures import FigureBoard
from visualization_dashboard.backend.live_window import LiveWindow
from visualization_dashboard.backend.services import Services

NOW_MS = 1_760_000_000_000


class NoCache:
    """The alert cache is not part of what is tested here."""

    def put(self, alerts: object) -> None:
        del alerts


def away() -> None:
    raise Unavailable("kafka", "no broker")


@pytest.fixture
def services(engine: Engine) -> Services:
    window = LiveWindow(lambda: NOW_MS / 1000)
    keys = count()
    return Services(
        desk=CaseDesk(PostgresCaseStore(engine), lambda: NOW_MS, lambda: f"key-{next(keys)}"),
        feed=FeedHub(ring_size=10, max_clients=1, clock_s=lambda: NOW_MS / 1000),
        figures=FigureBoard(lambda since: read_totals(engine, since), window, lambda: NOW_MS / 1000).read,
        checks={"kafka": away},
        metrics=CollectorRegistry(),
        officer="ann",
        clock_ms=lambda: NOW_MS,
    )


@pytest.fixture
def client(services: Services) -> FlaskClient:
    return create_app(services).test_client()


@pytest.fixture
def case_id(
    engine: Engine,
    client: FlaskClient,
    decision: Callable[..., dict[str, Any]],
    alert: Callable[..., dict[str, Any]],
) -> str:
    """The only case: two alerts of c1, with their decisions."""
    ids = ("tx-1", "tx-2")
    records = [
        *(
            Record(topics.DECISIONS, 0, i, b"", orjson.dumps(decision(t, "c1", outcome="review")), 0)
            for i, t in enumerate(ids)
        ),
        *(Record(topics.ALERTS, 0, i, b"", orjson.dumps(alert(t, "c1")), 0) for i, t in enumerate(ids)),
    ]
    writer = SinkWriter(engine, Positions("test", dict.fromkeys(TOPICS, "t")), NoCache(), lambda: NOW_MS)
    assert writer.write(records).bad == 0
    return str(client.get("/api/cases").get_json()["items"][0]["case_id"])


def test_queue_shows_the_case_in_plain_words(client: FlaskClient, case_id: str) -> None:
    page = client.get("/api/cases?status=open&sort=priority&limit=5").get_json()
    assert (page["total"], page["next_cursor"]) == (1, None)
    summary = page["items"][0]
    assert summary["case_id"] == case_id
    assert summary["top_reason"]["code"] == "VELOCITY_BURST"
    assert summary["top_reason"]["text"].startswith("7 transactions of the card")
    assert (summary["alert_count"], summary["amount_at_risk_base_minor"], summary["version"]) == (2, 100_000, 2)
    assert 0 < summary["priority"] < 1


def test_case_shows_alerts_timeline_and_customer(client: FlaskClient, case_id: str) -> None:
    detail = client.get(f"/api/cases/{case_id}").get_json()
    assert {a["transaction"]["transaction_id"] for a in detail["alerts"]} == {"tx-1", "tx-2"}
    assert detail["alerts"][0]["features"]["card_txn_count_5m"] == 7.0
    shown = [entry["text"] for entry in detail["timeline"] if entry["kind"] == "alert"]
    assert shown[0] == "Held for review: 50.00 EUR at merchant m-1 (category 5411, AT) by chip"
    assert detail["customer"]["txn_count"] == 2


def test_officer_opens_the_next_case_and_gives_a_verdict(client: FlaskClient, case_id: str) -> None:
    opened = client.post("/api/cases/next")
    assert (opened.status_code, opened.get_json()["assigned_to"]) == (200, "ann")
    body = {"verdict": "fraud", "note": "called", "version": opened.get_json()["version"]}
    closed = client.post(f"/api/cases/{case_id}/verdict", json=body)
    assert (closed.status_code, closed.get_json()["status"], closed.get_json()["verdict"]) == (200, "closed", "fraud")
    again = client.post(f"/api/cases/{case_id}/verdict", json=body)
    assert again.status_code == 409
    assert again.content_type == "application/problem+json"
    assert client.get("/api/cases?status=closed").get_json()["total"] == 1
    assert client.post("/api/cases/next").status_code == 404


def test_next_case_is_another_one_than_that_which_is_left(client: FlaskClient, case_id: str) -> None:
    client.post("/api/cases/next")
    answer = client.post(f"/api/cases/next?leaving={case_id}")
    assert answer.status_code == 404
    assert client.get(f"/api/cases/{case_id}").get_json()["assigned_to"] == "ann"
    wrong = client.post("/api/cases/next?leaving=%00")
    assert (wrong.status_code, wrong.get_json()["errors"][0]["field"]) == (422, "leaving")


def test_foreign_pages_are_refused(client: FlaskClient, case_id: str) -> None:
    path, body = f"/api/cases/{case_id}/verdict", b'{"verdict": "fraud", "version": 2}'
    assert client.get("/api/cases", headers={"Host": "rebound.example"}).status_code == 403
    json = {"content_type": "application/json", "data": body}
    assert client.post(path, headers={"Sec-Fetch-Site": "cross-site"}, **json).status_code == 403
    assert client.post(path, data=body, content_type="text/plain").status_code == 415
    assert client.get(f"/api/cases/{case_id}").get_json()["status"] == "open"
    assert client.get("/healthz", headers={"Host": "10.0.0.7:8081"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"verdict": "maybe", "version": 1}, "verdict"),
        ({"verdict": "fraud"}, "version"),
        ({"verdict": "fraud", "version": "x"}, "version"),
        ({"verdict": "fraud", "version": 1, "note": "x" * 2_001}, "note"),
        ({"verdict": "fraud", "version": 1, "note": "\0"}, "note"),
        ({"verdict": "fraud", "version": 1, "note": "\ud800"}, "note"),
        ({"verdict": "fraud", "version": 1, "colour": "red"}, "colour"),
    ],
)
def test_wrong_verdict_names_the_field(client: FlaskClient, case_id: str, body: dict[str, Any], field: str) -> None:
    answer = client.post(f"/api/cases/{case_id}/verdict", json=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "status=lost", "sort=x", "cursor=zzz", "page=2"])
def test_wrong_filter_names_the_field(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/api/cases?{query}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.get_json()["errors"]] == [query.split("=", maxsplit=1)[0]]


@pytest.mark.parametrize(
    ("method", "path", "data", "status"),
    [
        ("GET", "/api/cases/cs-0000000000000000", None, 404),
        ("GET", "/api/cases/%00", None, 404),
        ("GET", "/api/nothing", None, 404),
        ("DELETE", "/api/cases", None, 405),
        ("POST", "/api/cases/cs-0000000000000000/verdict", b"{", 400),
        ("POST", "/api/cases/cs-0000000000000000/verdict", b'"x"', 422),
        ("POST", "/api/cases/cs-0000000000000000/verdict", b"x" * 70_000, 413),
        ("POST", "/api/cases/cs-0000000000000000/verdict", b'{"verdict": "fraud", "version": 1}', 404),
    ],
)
def test_every_error_is_a_problem(client: FlaskClient, method: str, path: str, data: bytes | None, status: int) -> None:
    answer = client.open(path, method=method, data=data, content_type="application/json")
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    problem = answer.get_json()
    assert problem["status"] == status
    assert {"type", "title", "detail", "errors"} <= problem.keys()


def test_figures_add_up(client: FlaskClient, case_id: str) -> None:
    del case_id
    figures = client.get("/api/figures").get_json()
    assert (figures["decisions"], figures["review"], figures["approve"]) == (2, 2, 0)
    assert (figures["cases_open"], figures["alerts_open"]) == (1, 2)
    assert figures["stopped_amount_base_minor"] == 10_000
    assert figures["base_currency"] == "EUR"


def test_feed_is_an_event_stream_with_bounded_places(client: FlaskClient, services: Services) -> None:
    services.feed.publish("alert", lambda: {"n": 1})
    answer = client.get("/api/feed")
    assert answer.mimetype == "text/event-stream"
    blocks = answer.iter_encoded()
    assert next(blocks).startswith(b"retry:")
    assert next(blocks) == b'id: %d\nevent: alert\ndata: {"n":1}\n\n' % (NOW_MS + 1)
    refused = client.get("/api/feed")
    assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
    answer.close()
    assert services.feed.client_count == 0
    strange = client.get("/api/feed", headers={"Last-Event-ID": "9" * 5_000})
    assert strange.status_code == 200
    strange.close()


def test_answers_are_hardened_and_not_kept(client: FlaskClient) -> None:
    headers = client.get("/api/figures").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in headers


def test_readiness_names_what_is_away_and_liveness_does_not_care(client: FlaskClient) -> None:
    assert client.get("/healthz").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, ready.get_json()["checks"]) == (503, {"kafka": "no broker"})


def test_served_contract_is_the_kept_one(client: FlaskClient) -> None:
    assert client.get("/api/openapi.json").get_json()["paths"].keys() >= {"/api/cases", "/api/feed", "/api/figures"}


def test_lost_database_is_unavailable_and_not_a_crash(engine: Engine, services: Services) -> None:
    dead = engine.url.set(port=1).render_as_string(hide_password=False)
    from storage_security.postgres.engine import connect

    desk = CaseDesk(PostgresCaseStore(connect(dead)), lambda: NOW_MS, lambda: "k")
    client = create_app(
        Services(desk, services.feed, services.figures, {}, services.metrics, "ann", lambda: 0)
    ).test_client()
    assert client.get("/api/cases").status_code == 503
