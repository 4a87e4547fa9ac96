"""Bytes from outside become a transaction, or a list of what is wrong with them.

One function for both doors (API and stream), so that the same body gets the same reasons.
"""

from __future__ import annotations

import orjson

from fraud_prevention.domain.errors import FieldError, InvalidTransaction
from fraud_prevention.domain.topics import INLINE_PAYLOAD_BYTES
from fraud_prevention.domain.transaction import TimeBounds, Transaction, parse_transaction


def decode_transaction(body: bytes | None, now_ms: int, bounds: TimeBounds) -> Transaction:
    """Decode and check one JSON body. `now_ms` is when it came in, in ms since 1970.

    Raises InvalidTransaction: `too_large` above 1 MB, `malformed_json` for anything that is no strict JSON
    (NaN, bad UTF-8, nesting beyond the decoder's limit), else the contract's own field errors.
    """
    if body is None:
        raise InvalidTransaction([FieldError("$", "missing", "the record has no value")])
    if len(body) > INLINE_PAYLOAD_BYTES:
        raise InvalidTransaction([FieldError("$", "too_large", f"{len(body)} bytes; the limit is one megabyte")])
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidTransaction([FieldError("$", "malformed_json", str(error))]) from error
    return parse_transaction(payload, now_ms, bounds)
