"""Records of shared entities on a real Redis: fenced by the plan's number, and what tasks hand to each other."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ci_cd_testing_deployment.local import ports
from fraud_prevention.domain.errors import PlanLost, Unavailable
from model.features.entities.kinds import KINDS
from storage_security.redis.client import BUCKETS, Client
from storage_security.redis.entity_store import RedisEntityStore, entity_keys

COUNT = 1_203  # several calls to the server


@pytest.fixture
def store(client: Client) -> RedisEntityStore:
    return RedisEntityStore(client)


@pytest.fixture
def keys() -> list[bytes]:
    codes = np.random.default_rng(1).integers(1, 2**64, COUNT, np.uint64)
    return entity_keys(codes, (np.arange(COUNT) % len(KINDS)).astype(np.uint8))


def held(client: Client) -> dict[bytes, bytes | None]:
    return {key: cast("bytes | None", client.get(key)) for key in client.scan_iter()}


def records(keys: list[bytes], text: bytes) -> list[bytes]:
    return [text + key for key in keys]


def test_a_key_holds_bucket_kind_and_code() -> None:
    code = 2**64 - 2
    (key,) = entity_keys(np.array([code], np.uint64), np.array([1], np.uint8))
    assert key == b"fe:{%03x}" % (code % BUCKETS) + KINDS[1].letter + code.to_bytes(8, "little")


def test_kinds_with_one_code_have_keys_of_their_own() -> None:
    kinds = np.arange(len(KINDS)).astype(np.uint8)
    assert len(set(entity_keys(np.full(len(KINDS), 7, np.uint64), kinds))) == len(KINDS)


def test_what_was_written_is_read_in_the_order_asked_for(store: RedisEntityStore, keys: list[bytes]) -> None:
    store.write(1, keys[::2], records(keys[::2], b"\x00v1\xff"))
    assert store.read(keys) == [b"\x00v1\xff" + key if i % 2 == 0 else None for i, key in enumerate(keys)]
    assert store.read(keys[::-1]) == store.read(keys)[::-1]
    assert store.read([]) == []


def test_a_retry_of_the_same_plan_repeats(store: RedisEntityStore, keys: list[bytes]) -> None:
    store.write(4, keys, records(keys, b"a"))
    store.write(4, keys, records(keys, b"a"))
    store.write(5, keys[:3], records(keys[:3], b"b"))
    assert store.read(keys) == [*records(keys[:3], b"b"), *records(keys[3:], b"a")]


def test_an_older_plan_replaces_nothing_of_a_later_one(store: RedisEntityStore, keys: list[bytes]) -> None:
    store.write(9, keys[:1], records(keys[:1], b"new"))
    for touched in (keys, keys[:1]):
        with pytest.raises(PlanLost) as lost:
            store.write(8, touched, records(touched, b"old"))
        assert (lost.value.ours, lost.value.held) == (8, 9)
    assert store.read(keys[:1]) == records(keys[:1], b"new")


@pytest.mark.parametrize("redis_settings", ["server"], indirect=True)
def test_on_one_server_an_older_plan_writes_nothing(store: RedisEntityStore, client: Client, keys: list[bytes]) -> None:
    store.write(9, keys[:1], records(keys[:1], b"new"))
    before = held(client)
    for touched in (keys, keys[1:], keys[:1]):  # also where nobody else has written
        with pytest.raises(PlanLost) as lost:
            store.write(8, touched, records(touched, b"old"))
        assert (lost.value.ours, lost.value.held) == (8, 9)
    assert held(client) == before


def test_numbers_are_compared_as_numbers(store: RedisEntityStore, keys: list[bytes]) -> None:
    store.write(9, keys[:1], [b"a"])
    store.write(10, keys[:1], [b"b"])
    with pytest.raises(PlanLost):
        store.write(9, keys[:1], [b"c"])
    assert store.read(keys[:1]) == [b"b"]


def test_nothing_to_write_moves_no_fence(store: RedisEntityStore, client: Client) -> None:
    store.write(7, [], [])
    assert list(client.scan_iter()) == []


def test_a_rebuild_puts_records_in_place(store: RedisEntityStore, keys: list[bytes]) -> None:
    store.write(3, keys[:5], records(keys[:5], b"old"))
    assert store.load(keys, records(keys, b"r")) == COUNT
    assert store.read(keys) == records(keys, b"r")


def test_a_server_that_does_not_answer_is_unavailable(keys: list[bytes]) -> None:
    client = redis.Redis(port=ports.choose(()), socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
    store = RedisEntityStore(client)
    for call in (
        lambda: store.read(keys[:1]),
        lambda: store.write(1, keys[:1], [b""]),
        lambda: store.load(keys[:1], [b""]),
    ):
        with pytest.raises(Unavailable):
            call()
    client.close()
