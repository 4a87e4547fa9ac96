"""Decide one transaction that a payment waits for: once per id, durable before the answer.

Order of the steps, and why:
1. the id is claimed, so that parallel requests decide once and a repeated one gets the stored answer;
2. the transaction joins the customer's pending list, so that the next request sees it;
3. decision, features and alert are acknowledged by the log before the transaction itself goes out, so that
   every transaction on the log that is marked as decided here has its decision there too;
4. the answer is kept. A crash anywhere before leaves a claim that expires, and a retry decides again from
   the same state; readers drop the repeat.

A time-out does not say whether the log took the records. So a refused attempt sets its decision aside and takes its
pending entry back: a retry publishes exactly that decision again, and one who gives up does not count as a payment.

What is missing degrades by rule: without Redis an id is looked up in the store of past decisions, then decided without
history, which it says (`degraded`), and a refused attempt leaves no decision behind; without Kafka nothing is
confirmed; without the store of past decisions an id is taken for new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

import numpy as np
import orjson
import structlog

from fraud_prevention.domain import topics
from fraud_prevention.domain.errors import IdempotencyConflict, NotFound, RequestInFlight, StateCorrupt, Unavailable
from fraud_prevention.domain.transaction import TimeBounds, Transaction, parse_transaction
from fraud_prevention.policy.assemble import DecisionContext, Emission, assemble, payments_of
from fraud_prevention.policy.bundle import Policy
from fraud_prevention.policy.decide import columns_of, evaluate
from fraud_prevention.policy.record_versions import SHARED_RECORDS, record_versions
from fraud_prevention.ports import (
    AnswerStore,
    Claim,
    Clock,
    DecisionLookup,
    EventLog,
    FeatureKernel,
    FloatArray,
    IntArray,
    Scorer,
    StateStore,
)
from fraud_prevention.usecases.answer import answer_of
from fraud_prevention.usecases.draft import Draft
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
    """The JSON answer; `decision` is the payload of decisions.v1 where this call made it durable."""

    body: bytes
    decision: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Vector:
    """Features [F] and what they were computed from."""

    values: FloatArray
    record_version: int
    shared_versions: IntArray  # [4]
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
        (another caller is still deciding), Unavailable (nothing is confirmed, but it may have been recorded: a retry
        with the same id finds out).
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
            return self._answer_unclaimed(transaction, payload, started_s)
        if claim.answer is not None:
            return Answer(claim.answer)
        return self._answer_claimed(transaction, payload, claim, digest, started_s)

    def _answer_unclaimed(self, transaction: Transaction, payload: dict[str, Any], started_s: float) -> Answer:
        """Nobody knows which answers were given lately, so every id is looked up."""
        past = self._look_up(transaction.transaction_id, payload)
        if past is not None:
            return past
        return self._publish(self._decide(transaction, self._without_state(transaction), started_s))

    def _answer_claimed(
        self, transaction: Transaction, payload: dict[str, Any], claim: Claim, digest: bytes, started_s: float
    ) -> Answer:
        answers, transaction_id, draft = self._needs.answers, transaction.transaction_id, None
        try:
            answer = self._find_past(transaction, payload, claim)
            if answer is None:
                draft = self._take_up(transaction, claim) or self._decide(
                    transaction, self._with_state(transaction), started_s
                )
                answer = self._publish(draft)
        except BaseException:
            if draft is None:
                # Whatever went wrong, a retry should not have to wait for the claim to expire.
                self._keep(answers.release, transaction_id, digest, claim.token)
            else:
                self._keep(self._set_aside, transaction, digest, claim.token, draft)
            raise
        self._keep(answers.store, transaction_id, digest, claim.token, answer.body)
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

    def _find_past(self, transaction: Transaction, payload: dict[str, Any], claim: Claim) -> Answer | None:
        """The answer of an id that was decided before the cache began, else None. Raises IdempotencyConflict.

        An event whose time lies after that moment cannot have been submitted before it, so the usual
        request costs no query.
        """
        could_be_older = transaction.event_time <= claim.cache_since_ms + self._bounds.max_future_ms
        if claim.draft is not None or (self._bounds.is_enforced and not could_be_older):
            return None
        return self._look_up(transaction.transaction_id, payload)

    def _look_up(self, transaction_id: str, payload: dict[str, Any]) -> Answer | None:
        """The answer that the store of past decisions has, None where it has none or is away.

        Raises IdempotencyConflict.
        """
        if self._needs.lookup is None:
            return None
        try:
            past = self._needs.lookup.find(transaction_id)
        except Unavailable as error:
            log.warning("decision_lookup_unavailable", transaction_id=transaction_id, reason=str(error))
            return None
        if past is None:
            return None
        said = {k: v for k, v in payload.items() if v is not None}
        if any(past.decision.get(name, value) != value for name, value in said.items() if name != "decided_by"):
            raise IdempotencyConflict(transaction_id)
        log.info("answer_restored", transaction_id=transaction_id)
        return Answer(answer_of(past.decision))

    def _take_up(self, transaction: Transaction, claim: Claim) -> Draft | None:
        """What an earlier attempt decided; its pending entry was taken back and is put in again."""
        if claim.draft is None:
            return None
        self._keep(self._needs.states.read_and_append, transaction)
        log.info("draft_taken_up", transaction_id=transaction.transaction_id)
        return Draft.from_bytes(claim.draft)

    def _set_aside(self, transaction: Transaction, digest: bytes, token: bytes, draft: Draft) -> None:
        """Leave the decision to the next attempt. Raises Unavailable.

        Only then the pending entry may go: a retry that had to decide anew must see what this attempt saw.
        """
        if self._needs.answers.set_aside(transaction.transaction_id, digest, token, draft.to_bytes()):
            self._needs.states.withdraw(transaction)

    def _with_state(self, transaction: Transaction) -> _Vector:
        try:
            state = self._needs.states.read_and_append(transaction)
            values, absorbed, shared = self._needs.kernel.compute_one(transaction, state)
        except (Unavailable, StateCorrupt) as error:
            log.warning("state_unavailable", transaction_id=transaction.transaction_id, reason=str(error))
            return self._without_state(transaction)
        if absorbed:
            self._keep(self._needs.states.drop_pending, transaction.customer_id, absorbed)
        return _Vector(values, state.version, shared, ())

    def _without_state(self, transaction: Transaction) -> _Vector:
        nothing = np.full(len(SHARED_RECORDS), -1)
        return _Vector(self._needs.kernel.without_state(transaction), -1, nothing, (DEGRADED_STATE,))

    def _decide(self, transaction: Transaction, vector: _Vector, started_s: float) -> Draft:
        """Score and decide; nothing leaves this process."""
        needs, wire = self._needs, transaction.to_wire()
        features = vector.values[None, :]
        scores = needs.scorer.score(features)
        verdicts = evaluate(needs.policy, columns_of([wire], needs.policy.transaction_columns), features, scores)
        context = replace(self._context, degraded=vector.degraded) if vector.degraded else self._context
        latency_ms = round((needs.clock.monotonic_s() - started_s) * 1000, 3)
        assembled = assemble(
            payments_of([wire]),
            features,
            scores,
            verdicts,
            context,
            record_versions(np.array([vector.record_version]), vector.shared_versions[None, :]),
            needs.clock.now_ms(),
            [latency_ms],
        )
        accepted = Emission(topics.TRANSACTIONS, transaction.customer_id.encode(), orjson.dumps(wire))
        return Draft(tuple(assembled.emissions()), accepted)

    def _publish(self, draft: Draft) -> Answer:
        """Make it durable. Raises Unavailable; some records may be on the log then."""
        clock, event_log = self._needs.clock, self._needs.event_log
        deadline_s = clock.monotonic_s() + self._limits.ack_timeout_s
        publish_durably(event_log, draft.decided, self._limits.ack_timeout_s)
        publish_durably(event_log, [draft.accepted], deadline_s - clock.monotonic_s())
        decision = draft.decision()
        return Answer(answer_of(decision), decision)

    @staticmethod
    def _keep(action: Callable[..., object], *arguments: object) -> None:
        """Housekeeping that may be lost: what it is for then ends by itself."""
        try:
            action(*arguments)
        except Unavailable as error:
            log.warning("housekeeping_skipped", action=action.__name__, reason=str(error))
