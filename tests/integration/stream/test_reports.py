"""Labels and the issuer's answers reach the features, and harm nobody else's."""

from __future__ import annotations

import orjson
import pytest

from config import RedisSettings
from fraud_prevention.domain.errors import (
    StateMisplaced,
)
from fraud_prevention.domain.topics import AUTHORISATIONS, FEATURES, LABELS, TRANSACTIONS
from model.features.catalogue import index_of
from tests.fixtures.events import START_MS, transactions
from tests.fixtures.stream_outcomes import Left, finished
from tests.fixtures.stream_runs import PARTITIONS, Bundles, MemoryLog, Run, feed, partition_of

pytestmark = pytest.mark.usefixtures("small_calls")


def _later_features(bundles: Bundles, store: RedisSettings, *, is_told: bool) -> dict[str, float]:
    """Features of a customer's last payment, whose first one was declined and is known to be fraud, or not."""
    first, last = (
        {
            **transactions(1, customers=1, seed=8)[0],
            "transaction_id": name,
            "event_time": START_MS + after_ms,
            "terminal_id": "pos",
        }
        for name, after_ms in (("first", 0), ("last", 10 * 86_400_000))
    )
    log = MemoryLog()
    run = Run(bundles, log, store)
    customer = first["customer_id"]
    log.send(TRANSACTIONS, customer, orjson.dumps(first))
    finished(run)
    if is_told:
        told = {"transaction_id": "first", "customer_id": customer, "observed_at": START_MS + 86_400_000}
        log.send(AUTHORISATIONS, customer, orjson.dumps(told | {"result": "declined"}))
        places = {"merchant_id": first["merchant_id"], "terminal_id": "pos", "event_time": START_MS}
        log.send(LABELS, customer, orjson.dumps(told | places | {"is_fraud": True}))
        finished(run)
    log.send(TRANSACTIONS, customer, orjson.dumps(last))
    finished(run)
    vector = orjson.loads(run.contents()[FEATURES]["last"])["vector"]
    names = ("customer_known_fraud_count_30d", "customer_decline_share_30d", "merchant_delayed_fraud_count_28d",
             "terminal_last_known_is_fraud")  # fmt: skip
    return {name: vector[index_of(name)] for name in names}


def test_labels_and_declines_reach_features(bundles: Bundles, store: RedisSettings) -> None:
    untold = _later_features(bundles, store, is_told=False)
    told = _later_features(bundles, store, is_told=True)
    assert told["customer_known_fraud_count_30d"] == 1
    assert told["customer_decline_share_30d"] > 0
    assert told["merchant_delayed_fraud_count_28d"] >= 1
    assert told["terminal_last_known_is_fraud"] == 1
    assert all(untold[name] != value for name, value in told.items())


@pytest.mark.parametrize(
    "shares",
    [1, 4],
)
def test_a_label_in_another_partition_than_its_customer_harms_nobody(
    bundles: Bundles, store: RedisSettings, shares: int
) -> None:
    """It may stop the stream or be passed over, but no other customer's features may change."""
    log = feed(300, seed=9, customers=12)
    calm = finished(Run(bundles, log, store))
    left = Left(calm)
    payload = orjson.loads(log.held[TRANSACTIONS, 0][0].body or b"")
    customer = payload["customer_id"]
    label = {
        "transaction_id": payload["transaction_id"], "customer_id": customer, "event_time": payload["event_time"],
        "observed_at": payload["event_time"] + 1, "is_fraud": True,
    }  # fmt: skip
    log.send(LABELS, customer, orjson.dumps(label), (partition_of(customer) + 1) % PARTITIONS)
    run = Run(bundles, log, store)
    try:
        run.live(worker=run.by_shares(shares))
    except StateMisplaced:
        return
    found = run.contents()[FEATURES]
    for name, content in left.contents[FEATURES].items():
        one, other = orjson.loads(content), orjson.loads(found[name])
        assert one["vector"] == other["vector"] or one["customer_id"] == customer
