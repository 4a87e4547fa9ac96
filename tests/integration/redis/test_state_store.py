"""The pending list on a real Redis: what counts, how long, and what goes."""

from __future__ import annotations

import struct
from typing import cast

import pytest

from fraud_prevention.domain.transaction import Transaction
from model.features.online import pending_entry
from model.features.record import CAP
from storage_security.redis.client import Client
from storage_security.redis.state_store import PENDING_TTL_S, STAMP_BYTES, RedisStateStore, pending_key
from tests.fixtures.events import as_transactions, transactions

EVENTS = as_transactions(transactions(CAP + 2, customers=1, seed=41))
KEY = pending_key(EVENTS[0].customer_id)


@pytest.fixture
def store(client: Client) -> RedisStateStore:
    return RedisStateStore(client)


def held(client: Client) -> list[bytes]:
    return cast("list[bytes]", client.lrange(KEY, 0, -1))


def events_of(client: Client) -> list[bytes]:
    return [entry[STAMP_BYTES:] for entry in held(client)]


def grow_old(client: Client, index: int, seconds: int) -> None:
    """Let an entry have been appended that much earlier."""
    entry = held(client)[index]
    (appended_ms,) = struct.unpack("<q", entry[:STAMP_BYTES])
    client.lset(KEY, index, cast("str", struct.pack("<q", appended_ms - seconds * 1000) + entry[STAMP_BYTES:]))


def append(store: RedisStateStore, *events: Transaction) -> tuple[bytes, ...]:
    pending: tuple[bytes, ...] = ()
    for event in events:
        pending = store.read_and_append(event).pending
    return pending


def test_each_event_sees_those_before_it_and_a_repeat_what_it_saw_first(store: RedisStateStore) -> None:
    entries = tuple(pending_entry(event) for event in EVENTS[:3])
    assert append(store, EVENTS[0]) == ()
    assert append(store, EVENTS[1]) == entries[:1]
    assert append(store, EVENTS[2]) == entries[:2]
    assert append(store, EVENTS[1]) == entries[:1]


def test_entry_out_of_time_stops_counting_however_often_the_customer_pays(
    store: RedisStateStore, client: Client
) -> None:
    append(store, *EVENTS[:3])
    grow_old(client, 0, PENDING_TTL_S + 1)
    grow_old(client, 1, PENDING_TTL_S - 60)
    assert append(store, EVENTS[3]) == (pending_entry(EVENTS[1]), pending_entry(EVENTS[2]))
    assert events_of(client) == [pending_entry(event) for event in EVENTS[1:4]]


def test_own_entry_out_of_time_is_appended_anew(store: RedisStateStore, client: Client) -> None:
    append(store, *EVENTS[:2])
    grow_old(client, 0, PENDING_TTL_S + 1)
    assert append(store, EVENTS[0]) == (pending_entry(EVENTS[1]),)
    assert events_of(client) == [pending_entry(EVENTS[1]), pending_entry(EVENTS[0])]


def test_entry_of_an_older_layout_goes(store: RedisStateStore, client: Client) -> None:
    client.rpush(KEY, pending_entry(EVENTS[0]))
    assert append(store, EVENTS[1]) == ()
    assert events_of(client) == [pending_entry(EVENTS[1])]


def test_list_never_outgrows_what_can_count(store: RedisStateStore, client: Client) -> None:
    append(store, *EVENTS)
    assert events_of(client) == [pending_entry(event) for event in EVENTS[-CAP:]]
    assert 0 < int(client.ttl(KEY)) <= PENDING_TTL_S


def test_withdrawn_and_absorbed_entries_go_and_others_stay(store: RedisStateStore, client: Client) -> None:
    append(store, *EVENTS[:4])
    store.withdraw(EVENTS[1])
    store.withdraw(EVENTS[1])
    store.drop_pending(EVENTS[0].customer_id, [pending_entry(EVENTS[3]), pending_entry(EVENTS[9])])
    store.drop_pending(EVENTS[0].customer_id, [])
    assert events_of(client) == [pending_entry(EVENTS[0]), pending_entry(EVENTS[2])]
