"""What a foreign web page may start is refused before anything is handled."""

from __future__ import annotations

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient

from visualization_dashboard.backend import guard

OWN = {"Host": "127.0.0.1:8081"}


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("guarded")
    probes = Blueprint("probes", "probes")
    probes.add_url_rule("/healthz", view_func=lambda: "lives")
    app.register_blueprint(probes)
    app.add_url_rule("/api/thing", view_func=lambda: "handled", methods=["GET", "POST"])
    guard.register(app, "Fraud.example,dashboard-api", exempt="probes")
    return app.test_client()


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:3000", "127.0.0.1:8081", "[::1]:8081", "fraud.example:443"])
def test_allowed_names_are_served_on_any_port(client: FlaskClient, host: str) -> None:
    assert client.get("/api/thing", headers={"Host": host}).text == "handled"


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8081", "127.0.0.1.nip.example", "", "fraud"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_any_other_name_is_forbidden(client: FlaskClient, host: str, method: str) -> None:
    refused = client.open("/api/thing", method=method, headers={"Host": host})
    assert (refused.status_code, refused.content_type) == (403, "application/problem+json")
    assert "FRAUD_DASHBOARD_ALLOWED_HOSTS" in refused.get_json()["detail"]


def test_probes_may_name_the_address_of_the_machine(client: FlaskClient) -> None:
    assert client.get("/healthz", headers={"Host": "10.0.0.7:8081"}).text == "lives"


@pytest.mark.parametrize(
    ("site", "method", "status"),
    [
        ("same-origin", "POST", 200),
        ("none", "POST", 200),
        (None, "POST", 200),
        ("cross-site", "POST", 403),
        ("same-site", "POST", 403),
        ("cross-site", "GET", 200),
    ],
)
def test_change_comes_from_an_own_page_or_from_no_page(
    client: FlaskClient, site: str | None, method: str, status: int
) -> None:
    headers = OWN if site is None else {**OWN, "Sec-Fetch-Site": site}
    assert client.open("/api/thing", method=method, headers=headers).status_code == status


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 200),
        (b"{}", "application/json; charset=utf-8", 200),
        (b"", "text/plain", 200),
        (b"{}", "text/plain", 415),
        (b"{}", "application/x-www-form-urlencoded", 415),
        (b"{}", None, 415),
    ],
)
def test_body_of_a_change_is_json_or_is_refused(
    client: FlaskClient, body: bytes, kind: str | None, status: int
) -> None:
    assert client.post("/api/thing", data=body, content_type=kind, headers=OWN).status_code == status


def test_body_without_a_length_is_a_body(client: FlaskClient) -> None:
    headers = {**OWN, "Transfer-Encoding": "chunked"}
    assert client.post("/api/thing", content_type="text/plain", headers=headers).status_code == 415
