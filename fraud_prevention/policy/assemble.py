"""Decisions as they go onto the log: decisions.v1, features.v1 and, where something was stopped, alerts.v1.

The API and the stream both build their records here, so a field cannot exist in one and not in the other.
Pure; the caller publishes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from fraud_prevention.domain import topics
from fraud_prevention.domain.decision import DECISION_VERSION, OUTCOMES, alert_id
from fraud_prevention.policy.decide import Verdicts
from fraud_prevention.policy.json_rows import MANY_ROWS, Columns, Places, Slot, Template, TextColumn, Texts, coded
from fraud_prevention.ports import FloatArray, Scores

TEXTS: Final = (
    "transaction_id", "customer_id", "card_token", "merchant_id", "mcc", "merchant_country", "channel", "currency",
)  # fmt: skip
INTEGERS: Final = ("event_time", "amount_minor", "amount_base_minor")
_OUTCOMES: Final = tuple(outcome.encode() for outcome in OUTCOMES)


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


@dataclass(frozen=True, slots=True)
class Payments:
    """What the records say of n transactions, from transactions.v1.

    texts, integers: columns of n by the names of TEXTS and INTEGERS.
    wire:            a row's whole payload as JSON; asked for where there is an alert.
    """

    texts: Mapping[str, TextColumn]
    integers: Mapping[str, Sequence[int] | Places]
    wire: Callable[[int], bytes]


class Emission(NamedTuple):
    """One record for the log."""

    topic: str
    key: bytes
    value: bytes


class Emissions(NamedTuple):
    """Many records for one topic, keys and values side by side."""

    topic: str
    keys: list[bytes]
    values: list[bytes]


@dataclass(frozen=True, slots=True)
class Assembled:
    """The log records of n decided transactions, in their order; alerts by row, only of those that were stopped."""

    keys: list[bytes]
    decisions: list[bytes]
    features: list[bytes]
    alerts: dict[int, bytes]

    def by_topic(self) -> list[Emissions]:
        """The same records, topic after topic."""
        return [
            Emissions(topics.DECISIONS, self.keys, self.decisions),
            Emissions(topics.FEATURES, self.keys, self.features),
            Emissions(topics.ALERTS, [self.keys[row] for row in self.alerts], list(self.alerts.values())),
        ]

    def emissions(self) -> list[Emission]:
        """All records, each transaction's together."""
        found: list[Emission] = []
        for row, (key, decision, features) in enumerate(zip(self.keys, self.decisions, self.features, strict=True)):
            found += (Emission(topics.DECISIONS, key, decision), Emission(topics.FEATURES, key, features))
            if row in self.alerts:
                found.append(Emission(topics.ALERTS, key, self.alerts[row]))
        return found


def payments_of(rows: Sequence[Mapping[str, Any]]) -> Payments:
    """The columns of payloads of transactions.v1."""
    return Payments(
        {name: [row[name].encode() for row in rows] for name in TEXTS},
        {name: [row[name] for row in rows] for name in INTEGERS},
        lambda row: orjson.dumps(rows[row]),
    )


def assemble(
    payments: Payments,
    features: FloatArray,
    scores: Scores,
    verdicts: Verdicts,
    context: DecisionContext,
    record_versions: TextColumn | bytes,
    decided_at_ms: int,
    latency_ms: Sequence[float] | FloatArray,
) -> Assembled:
    """The log records of n decided transactions.

    features:        float64[n, F], finite.
    record_versions: JSON (see `policy.record_versions`), one of each row or one that all rows share.
    latency_ms:      time from the transaction's arrival to its decision; goes into `meta` only.
    """
    rows = len(features)
    stopped = np.flatnonzero(verdicts.outcome)
    columns = Columns(
        {
            **payments.texts,
            "outcome": coded(_OUTCOMES, verdicts.outcome),
            "reason_codes": _lists(verdicts.reason_codes, stopped, rows),
            "rule_hits": _lists(verdicts.rule_hits, stopped, rows),
            "record_versions": [record_versions] * rows if isinstance(record_versions, bytes) else record_versions,
        },
        {**payments.integers, "decided_at": np.full(rows, decided_at_ms)},
        {"risk_score": scores.risk_score, "probability": scores.probability, "latency_ms": latency_ms},
    )
    customers = payments.texts["customer_id"]
    decision_template, features_template = _templates(context)
    return Assembled(
        customers.tolist() if isinstance(customers, Texts) else list(customers),
        decision_template.write(columns, np.empty((rows, 0))),
        features_template.write(columns, features),
        _alerts(payments, features, scores, verdicts, context, stopped),
    )


def _lists(values: Sequence[tuple[str, ...]], stopped: Places, rows: int) -> TextColumn:
    """JSON lists of each row; rows that were not stopped have an empty one."""
    if rows < MANY_ROWS:
        return [orjson.dumps(value) for value in values]
    known: dict[tuple[str, ...], int] = {(): 0}
    codes = np.zeros(rows, np.int64)
    codes[stopped] = [known.setdefault(values[row], len(known)) for row in stopped.tolist()]
    return coded([orjson.dumps(value) for value in known], codes)


@lru_cache(maxsize=16)
def _templates(context: DecisionContext) -> tuple[Template, Template]:
    """Of decisions and of features."""
    return _decision_template(context), _features_template(context)


def _decision_template(context: DecisionContext) -> Template:
    return Template(
        {
            "transaction_id": Slot.TEXT,
            "decision_version": DECISION_VERSION,
            "event_time": Slot.INTEGER,
            "customer_id": Slot.TEXT,
            "card_token": Slot.TEXT,
            "merchant_id": Slot.TEXT,
            "mcc": Slot.TEXT,
            "merchant_country": Slot.TEXT,
            "channel": Slot.TEXT,
            "amount_minor": Slot.INTEGER,
            "currency": Slot.TEXT,
            "amount_base_minor": Slot.INTEGER,
            "outcome": Slot.TEXT,
            "risk_score": Slot.REAL,
            "probability": Slot.REAL,
            "reason_codes": Slot.JSON,
            "rule_hits": Slot.JSON,
            "experiment": context.experiment,
            "arm": context.arm,
            "model_version": context.model_version,
            "policy_version": context.policy_version,
            "catalogue_version": context.catalogue_version,
            "decided_by": context.decided_by,
            "degraded": context.degraded,
            "record_versions": Slot.JSON,
            "meta": {"decided_at": Slot.INTEGER, "latency_ms": Slot.REAL, "host": context.host},
        }
    )


def _features_template(context: DecisionContext) -> Template:
    return Template(
        {
            "transaction_id": Slot.TEXT,
            "decision_version": DECISION_VERSION,
            "customer_id": Slot.TEXT,
            "event_time": Slot.INTEGER,
            "catalogue_version": context.catalogue_version,
            "decided_by": context.decided_by,
            "vector": Slot.VECTOR,
        }
    )


def _alerts(
    payments: Payments,
    features: FloatArray,
    scores: Scores,
    verdicts: Verdicts,
    context: DecisionContext,
    stopped: Places,
) -> dict[int, bytes]:
    """Few rows, much text: one dictionary each."""
    found: dict[int, bytes] = {}
    for row in stopped.tolist():
        transaction_id = payments.texts["transaction_id"][row].decode()
        found[row] = orjson.dumps(
            {
                "alert_id": alert_id(transaction_id, DECISION_VERSION),
                "transaction_id": transaction_id,
                "decision_version": DECISION_VERSION,
                "customer_id": payments.texts["customer_id"][row].decode(),
                "event_time": int(payments.integers["event_time"][row]),
                "outcome": OUTCOMES[verdicts.outcome[row]],
                "risk_score": float(scores.risk_score[row]),
                "probability": float(scores.probability[row]),
                "reason_codes": verdicts.reason_codes[row],
                "rule_hits": verdicts.rule_hits[row],
                "model_version": context.model_version,
                "policy_version": context.policy_version,
                "decided_by": context.decided_by,
                "transaction": orjson.Fragment(payments.wire(row)),
                "features": dict(zip(context.feature_names, features[row].tolist(), strict=True)),
            }
        )
    return found
