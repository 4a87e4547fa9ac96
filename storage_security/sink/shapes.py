"""What a record must look like before it may touch a table. Unknown fields are let through: newer senders have them.

Checks return a stable code of what is wrong, or None. The contract's own examples are run through this in a test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from fraud_prevention.domain import topics
from fraud_prevention.domain.errors import FieldError
from fraud_prevention.domain.transaction import MAX_AMOUNT_MINOR

Check = Callable[[object], str | None]
_MAX_MS: Final = 2**53
_MESSAGES: Final = {
    "missing": "is required",
    "wrong_type": "has the wrong type",
    "out_of_range": "is out of range",
    "unknown_value": "is not one of the known values",
    "bad_format": "is empty or too long",
}


def _text(max_chars: int = 64, min_chars: int = 1) -> Check:
    def check(value: object) -> str | None:
        if not isinstance(value, str):
            return "wrong_type"
        return None if min_chars <= len(value) <= max_chars else "bad_format"

    return check


def _integer(low: int, high: int) -> Check:
    def check(value: object) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int):
            return "wrong_type"
        return None if low <= value <= high else "out_of_range"

    return check


def _number(low: float, high: float) -> Check:
    def check(value: object) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "wrong_type"
        return None if low <= value <= high else "out_of_range"

    return check


def _one_of(*allowed: str) -> Check:
    def check(value: object) -> str | None:
        if not isinstance(value, str):
            return "wrong_type"
        return None if value in allowed else "unknown_value"

    return check


def _boolean(value: object) -> str | None:
    return None if isinstance(value, bool) else "wrong_type"


def _texts(value: object) -> str | None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return "wrong_type"
    return "bad_format" if any(not 0 < len(item) <= 256 for item in value) else None


def _document(value: object) -> str | None:
    return None if isinstance(value, dict) else "wrong_type"


def _figures(value: object) -> str | None:
    if not isinstance(value, dict) or not all(type(v) in (int, float) for v in value.values()):
        return "wrong_type"
    return None if all(math.isfinite(v) for v in value.values()) else "out_of_range"


def _offsets(value: object) -> str | None:
    """A position for each record, and the list of the stream's "positions"."""
    if not isinstance(value, dict):
        return "wrong_type"
    positions = value.get("positions", [])
    if not isinstance(positions, list):
        return "wrong_type"
    found = [*positions, *(held for name, held in value.items() if name != "positions")]
    if not all(type(offset) is int for offset in found):
        return "wrong_type"
    return None if all(offset >= -1 for offset in found) else "out_of_range"


def _errors(value: object) -> str | None:
    return None if isinstance(value, list) else "wrong_type"


def _optional(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def holds_nul(value: object) -> bool:
    """Whether the character NUL is anywhere in a decoded record; PostgreSQL's texts and documents cannot hold it."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or holds_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(map(holds_nul, value))


_ID: Final = _text()
_MOMENT: Final = _integer(0, _MAX_MS)
_AMOUNT: Final = _integer(0, MAX_AMOUNT_MINOR)
_SHARE: Final = _number(0.0, 1.0)
_DOOR: Final = _one_of("stream", "api")
_VERSION: Final = _integer(1, 32_767)

_DECIDED: Final[Mapping[str, Check]] = {
    "transaction_id": _ID,
    "decision_version": _VERSION,
    "event_time": _MOMENT,
    "customer_id": _ID,
    "risk_score": _SHARE,
    "probability": _SHARE,
    "reason_codes": _texts,
    "rule_hits": _texts,
    "model_version": _ID,
    "policy_version": _ID,
    "decided_by": _DOOR,
}
_PAYMENT: Final[Mapping[str, Check]] = {
    "card_token": _ID,
    "merchant_id": _ID,
    "mcc": _text(4, 4),
    "merchant_country": _text(2, 2),
    "channel": _text(16),
    "amount_minor": _AMOUNT,
    "currency": _text(3, 3),
    "amount_base_minor": _AMOUNT,
}
_TRANSACTION: Final[Mapping[str, Check]] = {"transaction_id": _ID, "customer_id": _ID, **_PAYMENT}
_META: Final[Mapping[str, Check]] = {
    "decided_at": _MOMENT,
    "latency_ms": _optional(_number(0.0, 1e15)),
}


def _holding(shape: Mapping[str, Check]) -> Check:
    def check(value: object) -> str | None:
        if not isinstance(value, dict):
            return "wrong_type"
        return next((code for _, code in _faults(shape, value)), None)

    return check


def _faults(shape: Mapping[str, Check], payload: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for name, check in shape.items():
        value = payload.get(name)
        code = check(value)
        if code is not None:
            found.append((name, "missing" if value is None else code))
    return found


_DEAD_LETTER: Final[Mapping[str, Check]] = {
    "reason": _ID,
    "errors": _errors,
    "topic": _text(249),
    "partition": _integer(0, 2**31 - 1),
    "offset": _integer(0, 2**63 - 1),
    "at": _MOMENT,
}

SHAPES: Final[Mapping[str, Mapping[str, Check]]] = {
    topics.DECISIONS: {
        **_DECIDED,
        **_PAYMENT,
        "outcome": _one_of("approve", "challenge", "review", "decline"),
        "experiment": _optional(_text(64, 0)),
        "arm": _optional(_text(64, 0)),
        "catalogue_version": _ID,
        "record_versions": _offsets,
        "degraded": _texts,
        "meta": _holding(_META),
    },
    topics.ALERTS: {
        **_DECIDED,
        "alert_id": _ID,
        "outcome": _one_of("challenge", "review", "decline"),
        "transaction": _holding(_TRANSACTION),
        "features": _figures,
    },
    topics.AUTHORISATIONS: {
        "transaction_id": _ID,
        "customer_id": _ID,
        "result": _one_of("approved", "declined"),
        "reason": _optional(_text(256, 0)),
        "observed_at": _MOMENT,
    },
    topics.CUSTOMER_EVENTS: {
        "event_id": _ID,
        "customer_id": _ID,
        "kind": _one_of("profile_change", "new_device", "travel_notice", "card_blocked", "card_replaced"),
        "event_time": _MOMENT,
        "detail": _document,
    },
    topics.LABELS: {
        "label_id": _ID,
        "transaction_id": _ID,
        "customer_id": _ID,
        "merchant_id": _ID,
        "terminal_id": _optional(_ID),
        "event_time": _MOMENT,
        "is_fraud": _boolean,
        "source": _one_of("officer", "chargeback", "customer"),
        "observed_at": _MOMENT,
        "confidence": _SHARE,
    },
    topics.CASE_EVENTS: {
        "event_id": _ID,
        "case_id": _ID,
        "customer_id": _ID,
        "kind": _one_of("opened", "alert_added", "viewed", "assigned", "verdict", "note"),
        "actor": _ID,
        "at": _MOMENT,
        "data": _document,
    },
    **dict.fromkeys(topics.DEAD_LETTERS, _DEAD_LETTER),
}


def find_errors(topic: str, payload: object) -> list[FieldError]:
    """What is wrong with a decoded record, field by field; [] where nothing is."""
    if not isinstance(payload, dict):
        return [FieldError("$", "wrong_type", "must be a JSON object")]
    return [FieldError(name, code, _MESSAGES[code]) for name, code in _faults(SHAPES[topic], payload)]
