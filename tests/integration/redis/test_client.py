"""A cluster's client that begins late."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ci_cd_testing_deployment.local import ports
from ci_cd_testing_deployment.local.stack import LocalStack
from config import ApiSettings, RedisSettings
from fraud_prevention.bootstrap import connect_redis
from fraud_prevention.domain.errors import Unavailable
from storage_security.redis.client import LateCluster, availability, bucket_in, bucket_of, connect
from storage_security.redis.customer_store import RedisCustomerStore, customer_keys
from storage_security.redis.exchange import RedisExchange
from storage_security.redis.idempotency import Lifetimes, RedisAnswerStore, answer_key, draft_key, since_key
from storage_security.redis.plan_store import RedisPlanStore
from storage_security.redis.state_store import RedisStateStore, pending_key
from tests.fixtures.events import as_transactions, transactions
from tests.fixtures.redis_cluster import start_cluster


@pytest.fixture
def away() -> RedisSettings:
    """Where nobody listens."""
    return RedisSettings(url=f"redis://{ports.LOOPBACK}:{ports.choose(())}/0", is_cluster=True, timeout_ms=200)


def test_a_cluster_that_is_away_is_unavailable_at_each_use_and_not_before(away: RedisSettings) -> None:
    client = connect(away)
    for _ in range(2):
        with pytest.raises(Unavailable), availability():
            client.get("key")
    client.close()


def test_adapters_are_made_without_it(away: RedisSettings) -> None:
    client = connect(away)
    answers, states, plans = RedisAnswerStore(client, Lifetimes(1, 1)), RedisStateStore(client), RedisPlanStore(client)
    customers, exchange = RedisCustomerStore(client), RedisExchange(client)
    for call in (
        lambda: answers.claim("t1", b"b" * 32, 1),
        lambda: answers.find("t1"),
        lambda: states.drop_pending("c", [b"entry"]),
        plans.current,
        lambda: customers.read(customers.keys(["c"])),
        lambda: customers.write(1, customers.keys(["c"]), [b"record"]),
        lambda: exchange.take_over("met", 1, 0, 2),
    ):
        with pytest.raises(Unavailable, match="cannot be connected"):
            call()
    client.close()


def test_a_cluster_that_was_taken_for_one_server_says_so(redis_cluster: RedisSettings) -> None:
    client = connect(RedisSettings(url=redis_cluster.url))
    customers = RedisCustomerStore(client)
    answers = RedisAnswerStore(client, Lifetimes(1_000, 1_000))
    keys = customers.keys([f"cus-{i}" for i in range(40)])
    with pytest.raises(Unavailable, match="set FRAUD_REDIS_IS_CLUSTER"):
        customers.read(keys)
    with pytest.raises(Unavailable, match="set FRAUD_REDIS_IS_CLUSTER"):
        [answers.find(f"t{i}") for i in range(40)]  # some of them are at home on this server
    client.close()


def test_one_server_that_was_taken_for_a_cluster_says_so(redis_url: str) -> None:
    client = connect(RedisSettings(url=redis_url.rsplit("/", 1)[0], is_cluster=True))
    with pytest.raises(Unavailable, match="Cluster mode is not enabled"):
        RedisPlanStore(client).current()
    client.close()


def test_it_is_found_once_it_is_there(away: RedisSettings, redis_cluster: RedisSettings) -> None:
    client = connect(away)
    assert isinstance(client, LateCluster)
    with pytest.raises(Unavailable), availability():
        client.get("key")
    client._late.options["url"] = redis_cluster.url
    client.set("key", "value")
    assert client.get("key") == b"value"
    client.close()


def test_many_may_use_it_first_at_once(redis_cluster: RedisSettings) -> None:
    client = connect(redis_cluster)
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda i: client.set(f"key-{i}", i), range(64)))
    assert client.exists(*(f"key-{i}" for i in range(64))) == 64
    client.close()


def test_a_server_that_hangs_takes_no_more_than_the_deadline(
    redis_nodes: LocalStack, redis_cluster: RedisSettings
) -> None:
    deadline_s = 0.6
    client: Any = connect_redis(redis_cluster, ApiSettings(deadline_ms=600, claim_ttl_ms=10_000))
    store = RedisStateStore(client)
    events = as_transactions(transactions(40, customers=40, seed=3))
    for event in events:
        store.read_and_append(event)
    hung = next(s.pid for s in redis_nodes.status() if s.name == "redis-3")
    port = redis_nodes.ports()["redis-3"]
    event = next(e for e in events if client.get_node_from_key(pending_key(e.customer_id)).port == port)
    assert hung is not None
    os.kill(hung, signal.SIGSTOP)
    try:
        began_s = time.monotonic()
        with pytest.raises(Unavailable):
            store.read_and_append(event)
        took_s = time.monotonic() - began_s
    finally:
        os.kill(hung, signal.SIGCONT)
    assert deadline_s / 3 < took_s < deadline_s + 0.4  # the rest is for a busy machine
    start_cluster(redis_nodes)  # which waits until it is whole again
    assert store.read_and_append(event).pending == ()
    client.close()


def test_what_it_does_not_have_is_an_attribute_error(redis_cluster: RedisSettings) -> None:
    client = connect(redis_cluster)
    with pytest.raises(AttributeError, match="no_such_thing"):
        getattr(client, "no_such" + "_thing")
    client.close()


def test_what_one_script_works_on_lies_in_one_bucket() -> None:
    (record,) = customer_keys(["cus-1"])
    assert bucket_in(record) == bucket_in(pending_key("cus-1").encode()) == b"%03x" % bucket_of(b"cus-1")
    of_answer = {bucket_in(key("t1").encode()) for key in (answer_key, draft_key, since_key)}
    assert of_answer == {b"%03x" % bucket_of(b"t1")}
