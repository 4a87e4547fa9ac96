"""Decide one transaction that a payment waits for: once per id, durable before the answer.

Order of the steps, and why:
1. the id is claimed, so that parallel requests decide once and a repeated one gets the stored answer;
2. the transaction joins the customer's pending list, so that the next request sees it;
3. decision, features and alert are acknowledged by the log before the transaction itself goes out, so that
   every transaction on the log that is marked as decided here has its decision there too;
4. the answer is kept. A crash anywhere before leaves a claim that expires, and a retry decides again from
   the same state; readers drop the repeat.

What is missing degrades by rule: without Redis the decision is made without history and says so (`degraded`);
without Kafka nothing is accepted; without the store of past decisions an id is taken for new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

import orjson
import structlog

from fraud_prevention.domain import topics
from fraud_prevention.domain.errors import IdempotencyConflict, NotFound, RequestInFlight, StateCorrupt, Unavailable
from fraud_prevention.domain.transaction import TimeBounds, Transaction, parse_transaction
from fraud_prevention.policy.assemble import DecisionContext, Emission, assemble
from fraud_prevention.policy.bundle import Policy
from fraud_prevention.policy.decide import columns_of, evaluate
from fraud_prevention.ports import (
    AnswerStore,
    Claim,
    Clock,
    DecisionLookup,
    EventLog,
    FeatureKernel,
    FloatArray,
    Scorer,
    StateStore,
)
from fraud_prevention.usecases.answer import answer_of
from fraud_prevention.usecases.durability import publish_durably

DEGRADED_STATE: Final = "state"
_FIRST_POLL_S: Final = 0.005
_LONGEST_POLL_S: Final = 0.1

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DecideLimits:
    """Time budgets: for the log's acknowledgements, and for the answer that another caller is making."""

    ack_timeout_s: float
    in_flight_wait_s: float


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Everything the use case needs of the outside."""

    clock: Clock
    event_log: EventLog
    answers: AnswerStore
    states: StateStore
    kernel: FeatureKernel
    scorer: Scorer
    policy: Policy
    lookup: DecisionLookup | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON answer; `decision` is the payload of decisions.v1 where it was made by this call."""

    body: bytes
    decision: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Vector:
    """Features [F] and what they were computed from."""

    values: FloatArray
    record_version: int
    absorbed: tuple[bytes, ...]
    degraded: tuple[str, ...]


def body_digest(payload: Mapping[str, Any]) -> bytes:
    """SHA-256 of what the sender said, whatever the order of the fields."""
    return sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)).digest()


class DecideTransaction:
    """The use case. Safe to share between threads."""

    def __init__(self, needs: Dependencies, bounds: TimeBounds, limits: DecideLimits, host: str) -> None:
        self._needs, self._bounds, self._limits = needs, bounds, limits
        self._context = DecisionContext(
            model_version=needs.scorer.model_version,
            policy_version=needs.policy.version,
            catalogue_version=needs.kernel.catalogue_version,
            feature_names=needs.kernel.names,
            experiment="",
            arm="champion",
            decided_by="api",
            host=host,
        )

    def __call__(self, payload: object) -> Answer:
        """Decide, or give the answer that this id already has.

        Raises InvalidTransaction, IdempotencyConflict (the id was used with another body), RequestInFlight
        (another caller is still deciding), Unavailable (the log did not take it: nothing is accepted).
        """
        clock = self._needs.clock
        started_s, now_ms = clock.monotonic_s(), clock.now_ms()
        transaction = replace(parse_transaction(payload, now_ms, self._bounds), decided_by="api")
        assert isinstance(payload, dict)  # parse_transaction has refused anything else
        digest = body_digest(payload)
        try:
            claim = self._claim(transaction.transaction_id, digest, started_s)
        except Unavailable as error:
            log.warning("answer_store_unavailable", transaction_id=transaction.transaction_id, reason=str(error))
            return self._decide(transaction, self._without_state(transaction), started_s)
        if claim.answer is not None:
            return Answer(claim.answer)
        try:
            answer = self._look_up(transaction, payload, claim) or self._decide(
                transaction, self._with_state(transaction), started_s
            )
        except BaseException:
            # Whatever went wrong, a retry should not have to wait for the claim to expire.
            self._keep(self._needs.answers.release, transaction.transaction_id, digest, claim.token)
            raise
        self._keep(self._needs.answers.store, transaction.transaction_id, digest, claim.token, answer.body)
        return answer

    def find(self, transaction_id: str) -> bytes:
        """The answer given for an id. Raises NotFound, and Unavailable where nobody could be asked."""
        lookup = self._needs.lookup
        try:
            body = self._needs.answers.find(transaction_id)
        except Unavailable:
            if lookup is None:
                raise
            body = None
        if body is not None:
            return body
        past = lookup.find(transaction_id) if lookup is not None else None
        if past is None:
            raise NotFound("decision", transaction_id)
        return answer_of(past.decision)

    def _claim(self, transaction_id: str, digest: bytes, started_s: float) -> Claim:
        """Ours, or answered; waits a bounded time for another caller's answer."""
        clock, pause_s = self._needs.clock, _FIRST_POLL_S
        while True:
            claim = self._needs.answers.claim(transaction_id, digest, clock.now_ms())
            if not claim.is_same_body:
                raise IdempotencyConflict(transaction_id)
            if claim.is_ours or claim.answer is not None:
                return claim
            left_s = started_s + self._limits.in_flight_wait_s - clock.monotonic_s()
            if left_s <= 0:
                raise RequestInFlight(transaction_id)
            clock.sleep(min(pause_s, left_s))
            pause_s = min(pause_s * 2, _LONGEST_POLL_S)

    def _look_up(self, transaction: Transaction, payload: dict[str, Any], claim: Claim) -> Answer | None:
        """The answer of an id that was decided before the cache began, else None.

        An event whose time lies after that moment cannot have been submitted before it, so the usual
        request costs no query. Raises IdempotencyConflict.
        """
        if self._needs.lookup is None:
            return None
        could_be_older = transaction.event_time <= claim.cache_since_ms + self._bounds.max_future_ms
        if self._bounds.is_enforced and not could_be_older:
            return None
        try:
            past = self._needs.lookup.find(transaction.transaction_id)
        except Unavailable as error:
            log.warning("decision_lookup_unavailable", transaction_id=transaction.transaction_id, reason=str(error))
            return None
        if past is None:
            return None
        said = {k: v for k, v in payload.items() if v is not None}
        if any(past.decision.get(name, value) != value for name, value in said.items() if name != "decided_by"):
            raise IdempotencyConflict(transaction.transaction_id)
        log.info("answer_restored", transaction_id=transaction.transaction_id)
        return Answer(answer_of(past.decision))

    def _with_state(self, transaction: Transaction) -> _Vector:
        try:
            state = self._needs.states.read_and_append(transaction)
            values, absorbed = self._needs.kernel.compute_one(transaction, state)
        except (Unavailable, StateCorrupt) as error:
            log.warning("state_unavailable", transaction_id=transaction.transaction_id, reason=str(error))
            return self._without_state(transaction)
        return _Vector(values, state.version, absorbed, ())

    def _without_state(self, transaction: Transaction) -> _Vector:
        return _Vector(self._needs.kernel.without_state(transaction), -1, (), (DEGRADED_STATE,))

    def _decide(self, transaction: Transaction, vector: _Vector, started_s: float) -> Answer:
        """Score, decide and make it durable."""
        needs, wire = self._needs, transaction.to_wire()
        features = vector.values[None, :]
        scores = needs.scorer.score(features)
        verdicts = evaluate(needs.policy, columns_of([wire], needs.policy.transaction_columns), features, scores)
        context = replace(self._context, degraded=vector.degraded) if vector.degraded else self._context
        decided_s = needs.clock.monotonic_s()
        latency_ms = round((decided_s - started_s) * 1000, 3)
        emissions = assemble(
            [wire], features, scores, verdicts, context, [vector.record_version], needs.clock.now_ms(), [latency_ms]
        )
        accepted = Emission(topics.TRANSACTIONS, transaction.customer_id.encode(), orjson.dumps(wire))
        deadline_s = decided_s + self._limits.ack_timeout_s
        publish_durably(needs.event_log, emissions, self._limits.ack_timeout_s)
        publish_durably(needs.event_log, [accepted], deadline_s - needs.clock.monotonic_s())
        if vector.absorbed:
            self._keep(needs.states.drop_pending, transaction.customer_id, vector.absorbed)
        decision = orjson.loads(next(emission.value for emission in emissions if emission.topic == topics.DECISIONS))
        return Answer(answer_of(decision), decision)

    @staticmethod
    def _keep(action: Callable[..., None], *arguments: object) -> None:
        """Housekeeping that may be lost without harm: the decision stands on the log."""
        try:
            action(*arguments)
        except Unavailable as error:
            log.warning("housekeeping_skipped", action=action.__name__, reason=str(error))
