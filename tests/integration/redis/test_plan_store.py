"""The stream's plan on a real Redis: one runner at a time, and tasks that wait for each other."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ci_cd_testing_deployment.local import ports
from config import RedisSettings
from fraud_prevention.domain.errors import PlanLost, Unavailable
from storage_security.redis.client import Client, connect
from storage_security.redis.plan_store import RedisPlanStore


@pytest.fixture
def store(client: Client) -> RedisPlanStore:
    return RedisPlanStore(client)


def test_before_the_first_plan_there_is_none(store: RedisPlanStore) -> None:
    assert store.current() is None


def test_a_bound_plan_is_the_current_one(store: RedisPlanStore) -> None:
    store.bind((0, ""), 0, "a", b"\x00plan\xff")
    assert store.current() == b"\x00plan\xff"
    store.bind((0, "a"), 1, "a", b"next")
    assert store.current() == b"next"


@pytest.mark.parametrize("held", [(0, ""), (1, "b"), (2, "a"), (0, "a")])
def test_who_does_not_hold_the_plan_binds_none(store: RedisPlanStore, held: tuple[int, str]) -> None:
    store.bind((0, ""), 1, "a", b"plan")
    with pytest.raises(PlanLost, match="1 of a") as lost:
        store.bind(held, 2, "b", b"other")
    assert (lost.value.ours, lost.value.held, lost.value.owner) == (2, 1, "a")
    assert store.current() == b"plan"


def test_a_plan_that_is_gone_can_not_be_followed(store: RedisPlanStore, client: Client) -> None:
    store.bind((0, ""), 1, "a", b"plan")
    client.flushdb()
    with pytest.raises(PlanLost):
        store.bind((1, "a"), 2, "a", b"next")
    assert store.current() is None


def test_of_many_that_bind_at_once_one_does(redis_settings: RedisSettings, store: RedisPlanStore) -> None:
    gate = threading.Barrier(8)

    def attempt(owner: int) -> bool:
        with connect(redis_settings) as client:
            mine = RedisPlanStore(client)
            gate.wait()
            try:
                mine.bind((0, ""), 0, str(owner), str(owner).encode())
            except PlanLost:
                return False
            return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(attempt, range(8)))
    assert won.count(True) == 1
    assert store.current() == str(won.index(True)).encode()


def test_who_is_behind_or_ahead_of_the_plan_is_told(store: RedisPlanStore) -> None:
    store.check(5)  # no plan, nobody to give way to
    store.bind((0, ""), 5, "a", b"plan")
    store.check(5)
    for number in (4, 6):
        with pytest.raises(PlanLost):
            store.check(number)


def test_every_task_of_an_attempt_gets_a_share_of_its_own(store: RedisPlanStore) -> None:
    assert store.claim("x", 2, 4) == 2
    assert store.claim("x", 2, 4) == 0
    assert store.claim("x", -1, 4) == 1
    assert store.claim("x", 3, 4) == 3
    with pytest.raises(Unavailable, match="all 4 shares"):
        store.claim("x", 0, 4)
    assert store.claim("y", 3, 4) == 3


def test_a_wish_beyond_the_shares_is_met_within_them(store: RedisPlanStore) -> None:
    assert {store.claim("x", 7, 2), store.claim("x", 7, 2)} == {0, 1}


def test_claims_do_not_stay_for_good(store: RedisPlanStore, client: Client) -> None:
    store.claim("x", -1, 2)
    (key,) = client.keys("fraud:{stream}:claims:*")
    assert 0 < int(client.ttl(key)) <= 600


def test_all_wait_for_the_last(redis_settings: RedisSettings, store: RedisPlanStore) -> None:
    store.mark(3, "stage", 0, 2)

    def late() -> float:
        time.sleep(0.2)
        with connect(redis_settings) as client:
            RedisPlanStore(client).mark(3, "stage", 1, 2)
        return time.monotonic()

    with ThreadPoolExecutor(1) as pool:
        marked = pool.submit(late)
        store.wait(3, "stage", 2, 10.0)
        assert time.monotonic() >= marked.result() - 0.1


@pytest.mark.parametrize("mark", [None, 2])
def test_who_waits_in_vain_says_for_whom(store: RedisPlanStore, mark: int | None) -> None:
    store.mark(3, "stage", 0, 2)
    if mark is not None:
        store.mark(mark, "stage", 1, 2)
    store.mark(3, "other", 1, 2)
    with pytest.raises(Unavailable, match="stage:1/2 of plan 3"):
        store.wait(3, "stage", 2, 0.05)


def test_a_mark_of_a_later_plan_means_too_late(store: RedisPlanStore) -> None:
    store.mark(3, "stage", 0, 2)
    store.mark(4, "stage", 1, 2)
    with pytest.raises(PlanLost):
        store.wait(3, "stage", 2, 10.0)


def test_a_server_that_does_not_answer_is_unavailable() -> None:
    client = redis.Redis(port=ports.choose(()), socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
    store = RedisPlanStore(client)
    for call in (
        store.current,
        lambda: store.bind((0, ""), 0, "a", b""),
        lambda: store.claim("x", 0, 1),
        lambda: store.mark(1, "s", 0, 2),
        lambda: store.wait(1, "s", 1, 1.0),
        lambda: store.check(1),
    ):
        with pytest.raises(Unavailable):
            call()
    client.close()
