"""The product's images beside PostgreSQL, Redis and Kafka: decided, stored, shown; and each of them held tight."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final

import psycopg2
import pytest
import requests
from testcontainers.core.container import DockerContainer

from tests.ship.images.product.containers import USER, address_of, inspect, status_of

pytestmark = pytest.mark.timeout(600)
SERVICES: Final = ("decision-api", "storage-jobs", "dashboard-api", "dashboard-web")
_PAYMENT: Final = {
    "utc_offset_min": 60,
    "merchant_id": "m000017",
    "mcc": "5411",
    "currency": "EUR",
    "merchant_country": "AT",
    "channel": "chip",
}


def payment(number: int, amount_minor: int = 5_000) -> dict[str, Any]:
    """A payment that is made just now, by a customer of its own."""
    name = f"shipped-{number}"
    return {
        "transaction_id": f"{name}-{time.time_ns()}",
        "event_time": int(time.time() * 1000),
        "customer_id": name,
        "card_token": f"card-{name}",
        "amount_minor": amount_minor,
        "amount_base_minor": amount_minor,
        **_PAYMENT,
    }


def eventually(holds: Callable[[], bool], what: str, timeout_s: float = 60) -> None:
    """Wait until it holds, for so long at most."""
    end_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end_s, f"{what}: not in {timeout_s} s"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def decided(product: dict[str, DockerContainer]) -> dict[str, str]:
    """Outcome of each of 40 payments, by transaction id."""
    url = f"http://{address_of(product['decision-api'])}:8080/v1/decisions"
    found = {}
    for number in range(40):
        body = payment(number, 5_000 + 20_000 * number)
        answer = requests.post(url, json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        assert answer.json()["model_version"].startswith("hgb-")
        assert requests.post(url, json=body, timeout=10).json() == answer.json(), "asked again, the same answer"
        found[body["transaction_id"]] = answer.json()["outcome"]
    return found


def test_decisions_reach_postgresql(decided: dict[str, str], postgres: str) -> None:
    connection = psycopg2.connect(postgres)
    connection.autocommit = True

    def stored() -> dict[str, str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT transaction_id, outcome FROM decisions WHERE transaction_id LIKE 'shipped-%'")
            return dict(cursor.fetchall())

    try:
        eventually(lambda: len(stored()) >= len(decided), "the sink has written every decision")
        assert stored() == decided
    finally:
        connection.close()


def test_decisions_are_counted_by_the_dashboards_api_and_by_its_pages(
    decided: dict[str, str], product: dict[str, DockerContainer]
) -> None:
    origins = {
        f"http://{address_of(product['dashboard-api'])}:8081": {"Host": "dashboard-api"},
        f"http://{address_of(product['dashboard-web'])}:3000": {"Host": "dashboard-web"},
    }
    for origin, headers in origins.items():

        def counted(origin: str = origin, headers: dict[str, str] = headers) -> bool:
            answer = requests.get(f"{origin}/api/figures", headers=headers, timeout=10)
            assert answer.status_code == 200, answer.text
            return int(answer.json()["decisions"]) == len(decided)

        eventually(counted, f"{origin} counts {len(decided)} decisions")


def test_page_is_made_by_the_server(product: dict[str, DockerContainer]) -> None:
    url = f"http://{address_of(product['dashboard-web'])}:3000/"
    answer = requests.get(url, headers={"Host": "dashboard-web"}, timeout=30)
    assert answer.status_code == 200
    assert "<html" in answer.text


@pytest.mark.parametrize("service", SERVICES)
def test_program_has_no_right_beyond_its_own_user(service: str, product: dict[str, DockerContainer]) -> None:
    status = status_of(product[service])
    assert set(status["Uid"].split()) == {str(USER)}
    assert set(status["Gid"].split()) == {str(USER)}
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_of_the_image_can_be_changed(service: str, product: dict[str, DockerContainer]) -> None:
    program = (
        ["node", "-e", "fs.writeFileSync('/app/x', '')"]
        if service == "dashboard-web"
        else ["python", "-ISc", "open('/app/x', 'w')"]
    )
    answer = product[service].exec(program)
    assert answer.exit_code != 0
    assert b"ead-only file system" in answer.output


def test_no_port_is_published(product: dict[str, DockerContainer]) -> None:
    for name, container in product.items():
        published = inspect(container.get_container_id())["NetworkSettings"]["Ports"]
        assert {port for port, places in published.items() if places} == set(), name


@pytest.mark.parametrize("service", SERVICES)
def test_service_stops_in_peace(service: str, product: dict[str, DockerContainer]) -> None:
    """Last in this file: it ends what the others look at. 0 is a program's own end, 143 one by the signal that was sent."""
    container = product[service].get_wrapped_container()
    container.stop(timeout=45)
    state = inspect(container.id or "")["State"]
    log = container.logs(tail=20).decode()
    assert not state["OOMKilled"], log
    assert state["ExitCode"] == (143 if service == "dashboard-web" else 0), json.dumps(state) + log
