"""An officer's minute in a browser, on the running stack: from the payment to the label."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from confluent_kafka import Consumer
from playwright.sync_api import Page, expect

from ci_cd_testing_deployment.local.stack import LocalStack
from fraud_prevention.domain import topics

_SHOWN_MS = 30_000
_LABELLED_S = 30.0
_POLL_S = 0.5
_MINUTE_MS = 60_000
_JEWELLER: dict[str, Any] = {
    "merchant_id": "jeweller-9",
    "mcc": "5944",
    "amount_minor": 490_000,
    "merchant_country": "TH",
    "channel": "ecom",
}

# The first test waits until every server and application is up.
pytestmark = pytest.mark.timeout(600)


def _payment(customer_id: str, age_ms: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "transaction_id": f"tx-{uuid4().hex[:16]}",
        "event_time": int(time.time() * 1000) - age_ms,
        "utc_offset_min": 60,
        "customer_id": customer_id,
        "card_token": f"card-{customer_id}",
        "merchant_id": "grocer-1",
        "mcc": "5411",
        "amount_minor": 4_200,
        "currency": "EUR",
        "merchant_country": "AT",
        "channel": "chip",
        **changes,
    }


def _decide(page: Page, address: str, payment: dict[str, Any]) -> dict[str, Any]:
    answer = page.request.post(f"{address}/v1/decisions", data=payment)
    assert answer.ok, answer.text()
    decided: dict[str, Any] = answer.json()
    return decided


@pytest.fixture
def labels(running_stack: LocalStack) -> Iterator[Consumer]:
    """Reads labels.v1 from its beginning."""
    consumer = Consumer(
        {
            "bootstrap.servers": running_stack.settings()["FRAUD_KAFKA_BOOTSTRAP_SERVERS"],
            "group.id": f"browser-test-{uuid4().hex[:8]}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topics.LABELS])
    yield consumer
    consumer.close()


def _label_of(transaction_id: str, labels: Consumer) -> dict[str, Any]:
    """The first label of the transaction. Fails where none comes in time."""
    deadline = time.monotonic() + _LABELLED_S
    while time.monotonic() < deadline:
        record = labels.poll(_POLL_S)
        value = None if record is None or record.error() else record.value()
        if value is not None:
            label: dict[str, Any] = json.loads(value)
            if label["transaction_id"] == transaction_id:
                return label
    pytest.fail(f"no label of {transaction_id} within {_LABELLED_S:.0f} s")


def test_officer_sees_a_live_alert_and_the_verdict_becomes_a_label(
    running_stack: LocalStack, page: Page, labels: Consumer
) -> None:
    ports = running_stack.ports()
    dashboard = f"http://127.0.0.1:{ports['dashboard-web']}"
    api = f"http://127.0.0.1:{ports['decision-api']}"
    asked: set[str] = set()
    failures: list[str] = []
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda said: failures.append(said.text) if said.type == "error" else None)

    page.goto(dashboard)
    feed = page.get_by_role("region", name="Live feed")
    expect(feed.get_by_text("Live", exact=True)).to_be_visible(timeout=_SHOWN_MS)

    customer, other = (f"cust-{uuid4().hex[:10]}" for _ in range(2))
    for minutes in range(50, 0, -10):
        _decide(page, api, _payment(customer, age_ms=minutes * _MINUTE_MS))
    stolen = _payment(customer, **_JEWELLER)
    for payment in (stolen, _payment(other, **_JEWELLER)):
        assert _decide(page, api, payment)["outcome"] != "approve"

    alert = feed.locator(f'li[data-transaction="{stolen["transaction_id"]}"]')
    expect(alert).to_contain_text("€4,900.00", timeout=_SHOWN_MS)
    alert.get_by_role("link").click(timeout=_SHOWN_MS)

    page.wait_for_url("**/cases/*")
    expect(page.get_by_role("region", name="Stopped payments")).to_contain_text("€4,900.00")
    expect(page.get_by_role("region", name="Why it was stopped")).to_contain_text("this card's 30-day mean")
    page.keyboard.press("f")
    expect(page.get_by_role("button", name="Confirm fraud")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Marked as fraud: 1 payment labelled")).to_be_visible(timeout=_SHOWN_MS)
    expect(page.get_by_role("region", name="Customer")).to_contain_text(other, timeout=_SHOWN_MS)

    label = _label_of(stolen["transaction_id"], labels)
    assert label["is_fraud"] is True
    assert label["source"] == "officer"
    assert label["customer_id"] == customer
    assert asked == {urlsplit(dashboard).netloc}, "the pages ask nobody but their own server"
    assert failures == []
