"""Bytes from outside become a transaction, or a list of what is wrong with them.

One decoder for both doors (API and stream), so that the same body gets the same reasons. It is stricter than the JSON
libraries: a repeated key is an error, because two readers could read two amounts. NaN and infinities are let through
to the checks of the fields, which name them. How large a body may be is each door's own matter.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from fraud_prevention.domain.errors import FieldError, InvalidTransaction
from fraud_prevention.domain.topics import INLINE_PAYLOAD_BYTES
from fraud_prevention.domain.transaction import MAX_ID_CHARS, TimeBounds, Transaction, parse_transaction


class _RepeatedKey(ValueError):
    def __init__(self, key: str) -> None:
        self.key = key[:MAX_ID_CHARS]
        super().__init__(self.key)


def decode_transaction(body: bytes | None, now_ms: int, bounds: TimeBounds) -> Transaction:
    """Decode and check the value of one record of the log. `now_ms` is when it came in, in ms since 1970.

    Raises InvalidTransaction: `missing` without a value, `too_large` above 1 MB, else as `decode_json` and the
    contract's own field errors.
    """
    if body is None:
        raise _refused("$", "missing", "the record has no value")
    if len(body) > INLINE_PAYLOAD_BYTES:
        raise _refused("$", "too_large", f"{len(body)} bytes; the limit is one megabyte")
    return parse_transaction(decode_json(body), now_ms, bounds)


def decode_json(body: bytes) -> object:
    """The value of a JSON text in UTF-8. Raises InvalidTransaction.

    `duplicate_key` names the key; `malformed_json` and `too_deep` name "$", the body as a whole.
    """
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_without_repeats)
    except _RepeatedKey as error:
        raise _refused(error.key, "duplicate_key", "stands there more than once") from error
    except RecursionError as error:
        raise _refused("$", "too_deep", "is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise _refused("$", "malformed_json", f"is not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise _refused("$", "malformed_json", f"is not JSON: {error.msg} at {where}") from error
    except ValueError as error:  # an integer of thousands of digits
        raise _refused("$", "malformed_json", "has a number that is too long") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        raise _RepeatedKey(next(key for key, count in counts.items() if count > 1))
    return found


def _refused(field: str, code: str, message: str) -> InvalidTransaction:
    return InvalidTransaction([FieldError(field, code, message)])
