"""A migrated database of its own for every test that asks for one, and payloads to fill it with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from fraud_prevention.domain.decision import alert_id
from storage_security.postgres.engine import connect
from storage_security.postgres.migrate import upgrade


@pytest.fixture
def database(postgres_dsn: str) -> str:
    """The DSN of a database at the newest revision."""
    upgrade(postgres_dsn)
    return postgres_dsn


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """Of that database."""
    found = connect(database, pool_size=8)
    yield found
    found.dispose()


@pytest.fixture
def decision() -> Callable[..., dict[str, Any]]:
    """Makes payloads of decisions.v1."""

    def make(transaction_id: str, customer_id: str, **changes: Any) -> dict[str, Any]:
        meta = {"decided_at": changes.pop("decided_at", 1_760_000_000_000), "latency_ms": 12.5, "host": "h"}
        return {
            "transaction_id": transaction_id,
            "decision_version": 1,
            "event_time": 1_760_000_000_000,
            "customer_id": customer_id,
            "card_token": f"card-{customer_id}",
            "merchant_id": "m-1",
            "mcc": "5411",
            "merchant_country": "AT",
            "channel": "chip",
            "amount_minor": 5_000,
            "currency": "EUR",
            "amount_base_minor": 5_000,
            "outcome": "approve",
            "risk_score": 0.2,
            "probability": 0.001,
            "reason_codes": [],
            "rule_hits": [],
            "experiment": None,
            "arm": None,
            "model_version": "hgb-1",
            "policy_version": "p1",
            "catalogue_version": "k1",
            "decided_by": "stream",
            "record_versions": {"customer": -1},
            "degraded": [],
            "meta": meta,
            **changes,
        }

    return make


@pytest.fixture
def alert() -> Callable[..., dict[str, Any]]:
    """Makes payloads of alerts.v1."""

    def make(transaction_id: str, customer_id: str, **changes: Any) -> dict[str, Any]:
        amount_minor = changes.pop("amount_minor", 50_000)
        return {
            "alert_id": alert_id(transaction_id, 1),
            "transaction_id": transaction_id,
            "decision_version": 1,
            "customer_id": customer_id,
            "event_time": 1_760_000_000_000,
            "outcome": "review",
            "risk_score": 0.99,
            "probability": 0.4,
            "reason_codes": ["VELOCITY_BURST"],
            "rule_hits": ["velocity-burst"],
            "model_version": "hgb-1",
            "policy_version": "p1",
            "decided_by": "stream",
            "transaction": {
                "transaction_id": transaction_id,
                "event_time": 1_760_000_000_000,
                "utc_offset_min": 60,
                "customer_id": customer_id,
                "card_token": f"card-{customer_id}",
                "merchant_id": "m-1",
                "mcc": "5411",
                "amount_minor": amount_minor,
                "currency": "EUR",
                "amount_base_minor": amount_minor,
                "merchant_country": "AT",
                "channel": "ecom",
            },
            "features": {"card_txn_count_5m": 7.0, "amount_base_minor": float(amount_minor)},
            **changes,
        }

    return make
