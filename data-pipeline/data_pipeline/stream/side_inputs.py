"""Labels and the issuer's answers, as the features take them in.

What is no valid record is passed over here: the sink of these topics refuses it with its reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from model.features.codes import hash64

_LATEST_S: Final = 2**32 - 2


@dataclass(frozen=True, slots=True)
class SideInput:
    """One label or answer. transaction: 64-bit code; observed_at in ms; place and time only of labels."""

    partition: int
    customer_id: str
    transaction: int
    observed_at: int
    is_label: bool
    is_bad: bool  # fraud, or declined
    event_time: int = 0
    merchant: int = 0  # code, 0 for none
    terminal: int = 0

    @property
    def observed_s(self) -> int:
        """Seconds, rounded up: never early."""
        return min(-(-self.observed_at // 1000), _LATEST_S)


def _text(data: dict[str, Any], name: str) -> str:
    value = data[name]
    if not isinstance(value, str) or not value:
        raise ValueError(name)
    return value


def _time(data: dict[str, Any], name: str) -> int:
    value = data[name]
    if type(value) is not int or not 0 <= value <= 2**53:
        raise ValueError(name)
    return value


def _code(data: dict[str, Any], name: str) -> int:
    return (hash64(_text(data, name)) or 1) if data.get(name) is not None else 0


def _label(partition: int, data: dict[str, Any]) -> SideInput:
    is_fraud = data["is_fraud"]
    if not isinstance(is_fraud, bool):
        raise TypeError("is_fraud")
    return SideInput(
        partition,
        _text(data, "customer_id"),
        hash64(_text(data, "transaction_id")),
        _time(data, "observed_at"),
        True,
        is_fraud,
        _time(data, "event_time"),
        _code(data, "merchant_id"),
        _code(data, "terminal_id"),
    )


def _answer(partition: int, data: dict[str, Any]) -> SideInput:
    result = _text(data, "result")
    if result not in ("approved", "declined"):
        raise ValueError("result")
    return SideInput(
        partition,
        _text(data, "customer_id"),
        hash64(_text(data, "transaction_id")),
        _time(data, "observed_at"),
        False,
        result == "declined",
    )


def side_inputs(partition: int, labels: Sequence[bytes | None], answers: Sequence[bytes | None]) -> list[SideInput]:
    """The valid ones among the values of labels.v1 and authorisations.v1, labels first, in the order of their logs."""
    found = []
    for values, read in ((labels, _label), (answers, _answer)):
        for value in values:
            try:
                data = orjson.loads(value or b"")
                found.append(read(partition, data))
            except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
                continue
    return found
