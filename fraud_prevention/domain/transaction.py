"""A transaction as the product sees it, and the one set of rules that makes a payload one.

The API and the stream's slow path both call `parse_transaction`, so that the same body gets the same
reasons at both doors. Standard library only; knows nothing of HTTP, Kafka or JSON text.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from typing import Any, Final

from fraud_prevention.domain.errors import FieldError, InvalidTransaction
from fraud_prevention.domain.reference import COUNTRIES, CURRENCIES, to_base_minor

CHANNELS: Final = ("chip", "contactless", "swipe", "ecom", "atm", "transfer")
MAX_AMOUNT_MINOR: Final = 100_000_000_000  # a billion in a two-digit currency: above it, a unit was mistaken
MAX_ID_CHARS: Final = 64
_ID: Final = re.compile(r"[A-Za-z0-9._:\-]{1,64}")
_IP: Final = re.compile(r"[0-9A-Fa-f.:]{2,45}")


@dataclass(frozen=True, slots=True)
class TimeBounds:
    """Event times that are believed, relative to the clock. Off for replays of history."""

    max_future_ms: int
    max_age_ms: int
    is_enforced: bool = True


@dataclass(frozen=True, slots=True)
class Transaction:
    """One card or account transaction, in the words of `transactions.v1`."""

    transaction_id: str
    event_time: int  # ms since 1970-01-01 UTC
    utc_offset_min: int  # at the place of the transaction
    customer_id: str
    card_token: str
    merchant_id: str
    mcc: str  # ISO 18245, four digits
    amount_minor: int
    currency: str  # ISO 4217
    amount_base_minor: int  # hundredths of the base currency
    merchant_country: str  # ISO 3166-1 alpha-2
    channel: str
    card_bin: str | None = None
    terminal_id: str | None = None
    lat: float | None = None
    lon: float | None = None
    device_id: str | None = None
    ip: str | None = None
    decided_by: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """The payload of `transactions.v1`; absent options are left out."""
        # Not dataclasses.asdict: it copies deeply and is ten times slower, and this runs once a decision.
        return {name: value for name in FIELDS if (value := getattr(self, name)) is not None}


FIELDS: Final = tuple(f.name for f in fields(Transaction))


class _Checks:
    """Collects every field error of one payload, so that a sender mends all of them at once."""

    def __init__(self, payload: dict[str, Any]) -> None:
        self.payload = payload
        self.errors: list[FieldError] = []

    def fail(self, field: str, code: str, message: str) -> None:
        self.errors.append(FieldError(field, code, message))

    def _present(self, field: str, required: bool) -> bool:
        if self.payload.get(field) is not None:
            return True
        if required:
            self.fail(field, "missing", "is required")
        return False

    def text(self, field: str, pattern: re.Pattern[str], hint: str, required: bool = True) -> None:
        if not self._present(field, required):
            return
        value = self.payload[field]
        if not isinstance(value, str):
            self.fail(field, "wrong_type", "must be a string")
        elif not pattern.fullmatch(value):
            self.fail(field, "bad_format", f"must be {hint}")

    def one_of(self, field: str, allowed: frozenset[str] | tuple[str, ...], what: str, required: bool = True) -> None:
        if not self._present(field, required):
            return
        value = self.payload[field]
        if not isinstance(value, str):
            self.fail(field, "wrong_type", "must be a string")
        elif value not in allowed:
            self.fail(field, "unknown_value", f"is not {what}")

    def integer(self, field: str, low: int, high: int, required: bool = True) -> None:
        if not self._present(field, required):
            return
        value = self.payload[field]
        if isinstance(value, bool) or not isinstance(value, int):
            self.fail(field, "wrong_type", "must be an integer")
        elif not low <= value <= high:
            self.fail(field, "out_of_range", f"must be between {low} and {high}")

    def number(self, field: str, low: float, high: float) -> None:
        if not self._present(field, False):
            return
        value = self.payload[field]
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(field, "wrong_type", "must be a number")
        elif not math.isfinite(value) or not low <= value <= high:
            self.fail(field, "out_of_range", f"must be between {low:g} and {high:g}")


_MCC: Final = re.compile(r"[0-9]{4}")
_BIN: Final = re.compile(r"[0-9]{6,8}")
_ID_HINT: Final = "1 to 64 letters, digits, '.', '_', ':' or '-'"


def parse_transaction(payload: object, now_ms: int, bounds: TimeBounds) -> Transaction:
    """Make a transaction of a decoded JSON value.

    `now_ms` is the clock in ms since 1970. A missing `amount_base_minor` is computed from the dated
    reference rates. Raises InvalidTransaction naming every field that is wrong; unknown fields are wrong
    too, because a mistyped name would otherwise lose data in silence.
    """
    if not isinstance(payload, dict):
        raise InvalidTransaction([FieldError("$", "wrong_type", "must be a JSON object")])
    check = _Checks(payload)
    for name in ("transaction_id", "customer_id", "card_token", "merchant_id"):
        check.text(name, _ID, _ID_HINT)
    for name in ("terminal_id", "device_id"):
        check.text(name, _ID, _ID_HINT, required=False)
    check.text("mcc", _MCC, "four digits")
    check.text("card_bin", _BIN, "six to eight digits", required=False)
    check.text("ip", _IP, "an IP address", required=False)
    check.one_of("channel", CHANNELS, "one of " + ", ".join(CHANNELS))
    check.one_of("currency", CURRENCIES, "an ISO 4217 code")
    check.one_of("merchant_country", COUNTRIES, "an ISO 3166-1 alpha-2 code")
    check.one_of("decided_by", ("api",), "'api'", required=False)
    check.integer("event_time", 0, 2**53)
    check.integer("utc_offset_min", -720, 840)
    check.integer("amount_minor", 0, MAX_AMOUNT_MINOR)
    check.integer("amount_base_minor", 0, MAX_AMOUNT_MINOR, required=False)
    check.number("lat", -90.0, 90.0)
    check.number("lon", -180.0, 180.0)
    for name in sorted(map(str, payload.keys() - set(FIELDS))):
        check.fail(name[:MAX_ID_CHARS], "unknown_field", "is not part of the contract")
    if not check.errors:
        _check_time(check, payload["event_time"], now_ms, bounds)
    base = payload.get("amount_base_minor")
    if not check.errors and base is None:
        base = to_base_minor(payload["amount_minor"], payload["currency"])
        if base is None:
            check.fail("currency", "no_rate", "has no reference rate; send amount_base_minor")
        elif base > MAX_AMOUNT_MINOR:
            check.fail("amount_minor", "out_of_range", "is absurd in the base currency")
    if check.errors:
        raise InvalidTransaction(check.errors)
    return Transaction(**{**payload, "amount_base_minor": base})


def _check_time(check: _Checks, event_time: int, now_ms: int, bounds: TimeBounds) -> None:
    if not bounds.is_enforced:
        return
    if event_time > now_ms + bounds.max_future_ms:
        check.fail("event_time", "in_future", f"is more than {bounds.max_future_ms // 1000} s ahead of the clock")
    elif event_time < now_ms - bounds.max_age_ms:
        check.fail("event_time", "too_old", f"is more than {bounds.max_age_ms // 1000} s behind the clock")
