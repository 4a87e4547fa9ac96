"""What happened around a customer, in an analyst's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from fraud_prevention.domain.reference import minor_digits
from fraud_prevention.usecases.cases import Happening

_OUTCOMES: Final = {
    "approve": "Approved",
    "challenge": "Challenged",
    "review": "Held for review",
    "decline": "Declined",
}
_CUSTOMER_EVENTS: Final = {
    "profile_change": "Profile changed",
    "new_device": "New device registered",
    "travel_notice": "Travel notice",
    "card_blocked": "Card blocked",
    "card_replaced": "Card replaced",
}


def money(amount_minor: int, currency: str) -> str:
    """`1,234.50 EUR`, with the digits that the currency has."""
    digits = minor_digits(currency)
    return f"{amount_minor / 10**digits:,.{digits}f} {currency}"


def describe(happening: Happening) -> str:
    """One line of text."""
    return _TEXTS[happening.kind](happening.data)


def _decision(data: Mapping[str, Any]) -> str:
    amount = money(int(data["amount_minor"]), str(data["currency"]))
    where = f"merchant {data['merchant_id']} (category {data['mcc']}, {data['merchant_country']})"
    return f"{_OUTCOMES[str(data['outcome'])]}: {amount} at {where} by {data['channel']}"


def _customer_event(data: Mapping[str, Any]) -> str:
    kind = str(data["kind"])
    details = ", ".join(f"{k} {v}" for k, v in sorted(dict(data["detail"]).items()))
    return _CUSTOMER_EVENTS.get(kind, kind) + (f": {details}" if details else "")


def _authorisation(data: Mapping[str, Any]) -> str:
    reason = f" ({data['reason']})" if data.get("reason") else ""
    return f"The card issuer {data['result']} {data['transaction_id']}{reason}"


def _label(data: Mapping[str, Any]) -> str:
    verdict = "fraud" if data["is_fraud"] else "legitimate"
    return f"{str(data['source']).capitalize()} says {verdict}: {data['transaction_id']}"


def _case_event(data: Mapping[str, Any]) -> str:
    more: Mapping[str, Any] = data["data"]
    match data["kind"]:
        case "verdict":
            return f"Closed as {more['verdict']}, {more['labels']} transactions labelled"
        case "note":
            return f"Note: {more['text']}"
        case "opened":
            return "Case opened"
        case "alert_added":
            return f"Alert joined the case: {more['transaction_id']}"
        case kind:
            return f"Case {kind}"


_TEXTS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "decision": _decision,
    "alert": _decision,
    "customer_event": _customer_event,
    "authorisation": _authorisation,
    "label": _label,
    "case_event": _case_event,
}
