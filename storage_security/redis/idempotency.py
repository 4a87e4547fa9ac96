"""Answers by transaction id in Redis: the same request gets the same bytes, and one caller decides at a time.

Keys: `answer:{bbb}id` is a claim ("C", digest of the body, token of the caller) until it becomes an answer ("A", digest,
bytes); `draft:{bbb}id` (digest, bytes) is what an attempt decided that could not see it acknowledged; `answers:{bbb}since`
is the moment from which its server holds every answer of the bucket, so that a caller knows what a miss means.
A claim expires by itself: whoever died between claim and answer locks nothing.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final, cast

from fraud_prevention.ports import Claim
from storage_security.redis.client import Client, availability, bucket_of, run_script

DIGEST_BYTES: Final = 32
TOKEN_BYTES: Final = 16
_CLAIM: Final = b"C"
_ANSWER: Final = b"A"

# A command whose reply was lost is sent again, so each script gives its own caller the same result twice.
_CLAIM_SCRIPT: Final = f"""
local held, draft = redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])
local is_other = draft and string.sub(draft, 1, {DIGEST_BYTES}) ~= string.sub(ARGV[1], 2, {1 + DIGEST_BYTES})
if not held and not is_other then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
redis.call('SET', KEYS[3], ARGV[3], 'NX')
return {{held, draft, redis.call('GET', KEYS[3])}}
"""
_STORE_SCRIPT: Final = """
local held = redis.call('GET', KEYS[1])
if not held or held == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  redis.call('DEL', KEYS[2])
end
return 1
"""
# The draft before the claim goes: whoever claims next finds it.
_SET_ASIDE_SCRIPT: Final = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3], 'NX')
redis.call('DEL', KEYS[1])
return redis.call('GET', KEYS[2]) == ARGV[2] and 1 or 0
"""
_RELEASE_SCRIPT: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a claim, and an answer or a draft, live. A claim must outlive the longest attempt."""

    claim_ms: int
    answer_ms: int


def answer_key(transaction_id: str) -> str:
    """Where the claim or the answer of a transaction is."""
    return f"answer:{_tag(transaction_id)}{transaction_id}"


def draft_key(transaction_id: str) -> str:
    """Where the draft of a transaction is."""
    return f"draft:{_tag(transaction_id)}{transaction_id}"


def since_key(transaction_id: str) -> str:
    """Where it stands since when all answers of the transaction's bucket are held."""
    return f"answers:{_tag(transaction_id)}since"


def _tag(transaction_id: str) -> str:
    return f"{{{bucket_of(transaction_id.encode()):03x}}}"


def _keys(transaction_id: str) -> list[str]:
    return [answer_key(transaction_id), draft_key(transaction_id)]


class RedisAnswerStore:
    """See `ports.AnswerStore`."""

    def __init__(self, client: Client, lifetimes: Lifetimes) -> None:
        self._redis = client
        self._lifetimes = lifetimes

    def claim(self, transaction_id: str, body_digest: bytes, now_ms: int) -> Claim:
        """See `ports.AnswerStore.claim`."""
        token = secrets.token_bytes(TOKEN_BYTES)
        ours = _CLAIM + body_digest + token
        keys = [*_keys(transaction_id), since_key(transaction_id)]
        with availability():
            found = run_script(self._redis, _CLAIM_SCRIPT, keys, ours, self._lifetimes.claim_ms, now_ms)
        held, draft, since = cast("tuple[bytes | None, bytes | None, bytes]", tuple(found))
        since_ms = max(int(since), now_ms - self._lifetimes.answer_ms)
        if held is None or held == ours:
            is_same_body = draft is None or draft[:DIGEST_BYTES] == body_digest
            kept = draft[DIGEST_BYTES:] if draft and is_same_body else None
            return Claim(is_same_body, None, is_same_body, token, since_ms, kept)
        is_same_body = held[1 : 1 + DIGEST_BYTES] == body_digest
        answer = held[1 + DIGEST_BYTES :] if held[:1] == _ANSWER and is_same_body else None
        return Claim(False, answer, is_same_body, token, since_ms)

    def store(self, transaction_id: str, body_digest: bytes, token: bytes, answer: bytes) -> None:
        """See `ports.AnswerStore.store`."""
        ours, ready = _CLAIM + body_digest + token, _ANSWER + body_digest + answer
        with availability():
            run_script(self._redis, _STORE_SCRIPT, _keys(transaction_id), ours, ready, self._lifetimes.answer_ms)

    def release(self, transaction_id: str, body_digest: bytes, token: bytes) -> None:
        """See `ports.AnswerStore.release`."""
        with availability():
            run_script(self._redis, _RELEASE_SCRIPT, [answer_key(transaction_id)], _CLAIM + body_digest + token)

    def set_aside(self, transaction_id: str, body_digest: bytes, token: bytes, draft: bytes) -> bool:
        """See `ports.AnswerStore.set_aside`."""
        ours, kept = _CLAIM + body_digest + token, body_digest + draft
        with availability():
            return bool(
                run_script(self._redis, _SET_ASIDE_SCRIPT, _keys(transaction_id), ours, kept, self._lifetimes.answer_ms)
            )

    def find(self, transaction_id: str) -> bytes | None:
        """See `ports.AnswerStore.find`."""
        with availability():
            held = cast("bytes | None", self._redis.get(answer_key(transaction_id)))
        return held[1 + DIGEST_BYTES :] if held and held[:1] == _ANSWER else None

    def ping(self) -> None:
        """See `ports.AnswerStore.ping`."""
        with availability():
            self._redis.ping()
