"""Decisions as they go onto the log: decisions.v1, features.v1 and, where something was stopped, alerts.v1.

The API and the stream both build their records here, so a field cannot exist in one and not in the other.
Pure; the caller publishes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import orjson

from fraud_prevention.domain import topics
from fraud_prevention.domain.decision import DECISION_VERSION, OUTCOMES, alert_id
from fraud_prevention.policy.decide import Verdicts
from fraud_prevention.ports import FloatArray, Scores


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """What decided, the same for every row of a call. `degraded` names what was missing."""

    model_version: str
    policy_version: str
    catalogue_version: str
    feature_names: tuple[str, ...]
    experiment: str  # "" where none runs
    arm: str
    decided_by: str  # "api" or "stream"
    host: str
    degraded: tuple[str, ...] = ()


class Emission(NamedTuple):
    """One record for the log."""

    topic: str
    key: bytes
    value: bytes


def assemble(
    transactions: Sequence[Mapping[str, Any]],
    features: FloatArray,
    scores: Scores,
    verdicts: Verdicts,
    context: DecisionContext,
    record_versions: Sequence[int],
    decided_at_ms: int,
    latency_ms: Sequence[float],
) -> list[Emission]:
    """The log records of n decided transactions, in their order.

    transactions:    payloads of transactions.v1.
    features:        float64[n, F], finite.
    record_versions: last log offset held by the customer's record that was read, -1 for none.
    latency_ms:      time from the transaction's arrival to its decision; goes into `meta` only.
    """
    emissions: list[Emission] = []
    add = emissions.append
    shared = _shared_fields(context)
    vectors = np.ascontiguousarray(features, np.float64)
    rows = zip(
        transactions,
        vectors,
        scores.risk_score.tolist(),
        scores.probability.tolist(),
        verdicts.outcome.tolist(),
        verdicts.rule_hits,
        verdicts.reason_codes,
        record_versions,
        latency_ms,
        strict=True,
    )
    for transaction, vector, risk_score, probability, outcome, rule_hits, reasons, version, latency in rows:
        transaction_id: str = transaction["transaction_id"]
        key = transaction["customer_id"].encode()
        decision = {
            "transaction_id": transaction_id,
            "decision_version": DECISION_VERSION,
            "event_time": transaction["event_time"],
            "customer_id": transaction["customer_id"],
            "card_token": transaction["card_token"],
            "merchant_id": transaction["merchant_id"],
            "mcc": transaction["mcc"],
            "merchant_country": transaction["merchant_country"],
            "channel": transaction["channel"],
            "amount_minor": transaction["amount_minor"],
            "currency": transaction["currency"],
            "amount_base_minor": transaction["amount_base_minor"],
            "outcome": OUTCOMES[outcome],
            "risk_score": risk_score,
            "probability": probability,
            "reason_codes": reasons,
            "rule_hits": rule_hits,
            **shared,
            "record_versions": {"customer": version},
            "meta": {"decided_at": decided_at_ms, "latency_ms": latency, "host": context.host},
        }
        add(Emission(topics.DECISIONS, key, orjson.dumps(decision)))
        add(Emission(topics.FEATURES, key, _features_value(decision, vector)))
        if outcome:
            add(Emission(topics.ALERTS, key, _alert_value(decision, transaction, vector, context)))
    return emissions


def _shared_fields(context: DecisionContext) -> dict[str, Any]:
    return {
        "experiment": context.experiment,
        "arm": context.arm,
        "model_version": context.model_version,
        "policy_version": context.policy_version,
        "catalogue_version": context.catalogue_version,
        "decided_by": context.decided_by,
        "degraded": context.degraded,
    }


def _features_value(decision: Mapping[str, Any], vector: FloatArray) -> bytes:
    return orjson.dumps(
        {
            "transaction_id": decision["transaction_id"],
            "decision_version": decision["decision_version"],
            "customer_id": decision["customer_id"],
            "event_time": decision["event_time"],
            "catalogue_version": decision["catalogue_version"],
            "decided_by": decision["decided_by"],
            "vector": vector,
        },
        option=orjson.OPT_SERIALIZE_NUMPY,
    )


def _alert_value(
    decision: Mapping[str, Any], transaction: Mapping[str, Any], vector: FloatArray, context: DecisionContext
) -> bytes:
    return orjson.dumps(
        {
            "alert_id": alert_id(decision["transaction_id"], decision["decision_version"]),
            "transaction_id": decision["transaction_id"],
            "decision_version": decision["decision_version"],
            "customer_id": decision["customer_id"],
            "event_time": decision["event_time"],
            "outcome": decision["outcome"],
            "risk_score": decision["risk_score"],
            "probability": decision["probability"],
            "reason_codes": decision["reason_codes"],
            "rule_hits": decision["rule_hits"],
            "model_version": decision["model_version"],
            "policy_version": decision["policy_version"],
            "decided_by": decision["decided_by"],
            "transaction": transaction,
            "features": dict(zip(context.feature_names, vector.tolist(), strict=True)),
        }
    )
