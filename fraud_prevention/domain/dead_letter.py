"""A record that broke its contract, with all that is needed to mend and replay it. Standard library only."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from fraud_prevention.domain.errors import FieldError
from fraud_prevention.domain.topics import INLINE_PAYLOAD_BYTES

MAX_ERRORS: Final = 256  # a body of a megabyte has room for a hundred thousand unknown fields
MAX_KEY_BYTES: Final = 1024  # the contract's keys have 64; a longer one is known by its record's place in the log


def dead_letter(
    errors: list[FieldError],
    *,
    topic: str,
    partition: int,
    offset: int,
    key: bytes | None,
    payload: bytes | None,
    at_ms: int,
) -> dict[str, Any]:
    """The payload of `{topic}.dlq`. `reason` is the first error's code.

    At most MAX_ERRORS errors are kept. A payload above 1 MB is left out: topic, partition and offset say where it is. Bytes that are no UTF-8 are
    kept readable with backslash escapes.
    """
    letter: dict[str, Any] = {
        "reason": errors[0].code,
        # A field is named by the sender, who can write half a surrogate pair, which no UTF-8 can carry.
        "errors": [asdict(e) | {"field": _printable(e.field)} for e in errors[:MAX_ERRORS]],
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "at": at_ms,
    }
    if key is not None:
        letter["key"] = key.decode(errors="backslashreplace")
    if payload is not None and len(payload) <= INLINE_PAYLOAD_BYTES:
        letter["payload"] = payload.decode(errors="backslashreplace")
    return letter


def _printable(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()
