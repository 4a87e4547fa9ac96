"""Without Redis: an id that was answered before gets that answer, and only a new one is decided."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from fraud_prevention.domain import topics
from fraud_prevention.domain.errors import IdempotencyConflict, Unavailable
from fraud_prevention.usecases.answer import answer_of
from storage_security.kafka.memory_log import MemoryLog
from tests.fixtures.bad_bodies import GOOD, NOW_MS
from tests.fixtures.deciding import PastDecisions, SilentLog, decide_without_redis, new_broker, on_topic


@pytest.fixture(scope="module")
def decided() -> dict[str, Any]:
    """The decision about GOOD, as the store of past decisions has it."""
    broker = new_broker()
    decide_without_redis(MemoryLog(broker), NOW_MS)(dict(GOOD))
    (decision,) = on_topic(broker, topics.DECISIONS)
    found: dict[str, Any] = orjson.loads(decision)
    return found


def test_answered_id_is_looked_up_and_not_decided_again(decided: dict[str, Any]) -> None:
    broker = new_broker()
    decide = decide_without_redis(MemoryLog(broker), NOW_MS, PastDecisions({"t1": decided}))
    answer = decide(dict(GOOD))
    assert answer.body == answer_of(decided)
    assert answer.decision is None
    assert on_topic(broker, topics.DECISIONS) == []


def test_answered_id_with_another_body_is_refused(decided: dict[str, Any]) -> None:
    decide = decide_without_redis(MemoryLog(new_broker()), NOW_MS, PastDecisions({"t1": decided}))
    with pytest.raises(IdempotencyConflict):
        decide({**GOOD, "amount_minor": 1})


@pytest.mark.parametrize("lookup", [PastDecisions({}), PastDecisions(None), None], ids=["unknown", "away", "none"])
def test_other_id_is_decided_without_history_and_says_so(lookup: PastDecisions | None) -> None:
    broker = new_broker()
    answer = decide_without_redis(MemoryLog(broker), NOW_MS, lookup)(dict(GOOD))
    assert orjson.loads(answer.body)["degraded"] == ["state"]
    assert len(on_topic(broker, topics.DECISIONS)) == 1


def test_decision_that_nobody_acknowledges_is_not_answered() -> None:
    with pytest.raises(Unavailable):
        decide_without_redis(SilentLog(new_broker()), NOW_MS)(dict(GOOD))
