"""What tasks hand to each other, on a real Redis."""

from __future__ import annotations

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ci_cd_testing_deployment.local import ports
from fraud_prevention.domain.errors import Unavailable
from storage_security.redis.client import Client
from storage_security.redis.exchange import RedisExchange

MET, ANSWERED = "met", "answered"


@pytest.fixture
def exchange(client: Client) -> RedisExchange:
    return RedisExchange(client)


def test_each_gets_what_all_others_left_for_it(exchange: RedisExchange, client: Client) -> None:
    for share in range(3):
        exchange.hand_over(MET, 5, share, [b"%d>%d" % (share, other) for other in range(3)])
    assert exchange.take_over(MET, 5, 0, 3) == [b"1>0", b"2>0"]
    assert exchange.take_over(MET, 5, 1, 3) == [b"0>1", b"2>1"]
    assert exchange.take_over(MET, 5, 2, 3) == [b"0>2", b"1>2"]
    assert all(0 < int(client.ttl(key)) <= 3_600 for key in list(client.scan_iter("fx:*")))
    for share in range(3):
        exchange.drop((MET, ANSWERED), 5, share, 3)
    assert list(client.scan_iter("fx:*")) == []


def test_an_empty_part_is_one(exchange: RedisExchange) -> None:
    exchange.hand_over(MET, 5, 0, [b"", b""])
    assert exchange.take_over(MET, 5, 1, 2) == [b""]


def test_one_alone_exchanges_nothing(exchange: RedisExchange, client: Client) -> None:
    exchange.hand_over(MET, 5, 0, [b"x"])
    assert exchange.take_over(MET, 5, 0, 1) == []
    exchange.drop((MET, ANSWERED), 5, 0, 1)
    assert list(client.scan_iter()) == []


@pytest.mark.parametrize("plan", [4, 6])
def test_what_is_not_there_is_not_taken_for_nothing(exchange: RedisExchange, plan: int) -> None:
    exchange.hand_over(MET, 5, 1, [b"x", b""])
    with pytest.raises(Unavailable, match="is gone"):
        exchange.take_over(MET, plan, 0, 2)
    with pytest.raises(Unavailable, match="is gone"):
        exchange.take_over(MET, 5, 0, 3)


def test_stages_and_plans_are_kept_apart(exchange: RedisExchange, client: Client) -> None:
    for plan in (4, 5):
        for stage in (MET, ANSWERED):
            exchange.hand_over(stage, plan, 1, [f"{stage} {plan}".encode(), b""])
    exchange.drop((MET, ANSWERED), 4, 1, 2)
    assert exchange.take_over(MET, 5, 0, 2) == [b"met 5"]
    assert exchange.take_over(ANSWERED, 5, 0, 2) == [b"answered 5"]
    assert len(list(client.scan_iter())) == 2


def test_a_server_that_does_not_answer_is_unavailable() -> None:
    client = redis.Redis(port=ports.choose(()), socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
    exchange = RedisExchange(client)
    for call in (
        lambda: exchange.hand_over(MET, 1, 0, [b"", b""]),
        lambda: exchange.take_over(MET, 1, 0, 2),
        lambda: exchange.drop((MET,), 1, 0, 2),
    ):
        with pytest.raises(Unavailable):
            call()
    client.close()
