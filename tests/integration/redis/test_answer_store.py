"""Claims, answers and drafts on a real Redis."""

from __future__ import annotations

import pytest

from storage_security.redis.client import Client
from storage_security.redis.idempotency import Lifetimes, RedisAnswerStore, answer_key, draft_key

BODY, OTHER_BODY = b"b" * 32, b"o" * 32
LIFETIMES = Lifetimes(claim_ms=60_000, answer_ms=120_000)


@pytest.fixture
def store(client: Client) -> RedisAnswerStore:
    return RedisAnswerStore(client, LIFETIMES)


def test_claim_answer_and_repeat(store: RedisAnswerStore) -> None:
    first = store.claim("t1", BODY, 5)
    assert (first.is_ours, first.answer, first.is_same_body, first.draft) == (True, None, True, None)
    meanwhile = store.claim("t1", BODY, 5)
    assert (meanwhile.is_ours, meanwhile.answer, meanwhile.is_same_body) == (False, None, True)
    store.store("t1", BODY, first.token, b"answer")
    assert store.claim("t1", BODY, 5).answer == b"answer"
    assert not store.claim("t1", OTHER_BODY, 5).is_same_body
    assert store.find("t1") == b"answer"


def test_draft_goes_to_the_next_claim_of_the_same_body_alone(store: RedisAnswerStore) -> None:
    assert store.set_aside("t1", BODY, store.claim("t1", BODY, 5).token, b"draft")
    assert store.find("t1") is None
    other = store.claim("t1", OTHER_BODY, 5)
    assert (other.is_ours, other.is_same_body, other.draft) == (False, False, None)
    again = store.claim("t1", BODY, 5)
    assert (again.is_ours, again.draft) == (True, b"draft")
    assert store.claim("t1", BODY, 5).draft is None


def test_first_draft_stays_until_the_answer(store: RedisAnswerStore, client: Client) -> None:
    token = store.claim("t1", BODY, 5).token
    assert store.set_aside("t1", BODY, token, b"first")
    assert store.set_aside("t1", BODY, token, b"first")  # its reply was lost, and it was sent again
    assert not store.set_aside("t1", BODY, store.claim("t1", BODY, 5).token, b"second")
    found = store.claim("t1", BODY, 5)
    assert found.draft == b"first"
    store.store("t1", BODY, found.token, b"answer")
    assert client.get(draft_key("t1")) is None
    assert store.claim("t1", BODY, 5).answer == b"answer"


def test_draft_of_an_attempt_that_was_overtaken_is_not_kept(store: RedisAnswerStore, client: Client) -> None:
    late = store.claim("t1", BODY, 5)
    client.delete(answer_key("t1"))  # the claim ended
    assert store.claim("t1", BODY, 5).is_ours
    assert not store.set_aside("t1", BODY, late.token, b"draft")
    assert client.get(draft_key("t1")) is None


def test_released_claim_leaves_nothing(store: RedisAnswerStore) -> None:
    store.release("t1", BODY, store.claim("t1", BODY, 5).token)
    found = store.claim("t1", OTHER_BODY, 5)
    assert (found.is_ours, found.draft) == (True, None)


def test_everything_ends_by_itself(store: RedisAnswerStore, client: Client) -> None:
    claim = store.claim("t1", BODY, 5)
    assert 0 < int(client.pttl(answer_key("t1"))) <= LIFETIMES.claim_ms
    store.set_aside("t1", BODY, claim.token, b"draft")
    assert 0 < int(client.pttl(draft_key("t1"))) <= LIFETIMES.answer_ms
