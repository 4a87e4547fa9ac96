"""Request bodies: bytes in, one decoded JSON value out, or the field that is wrong.

Stricter than the JSON libraries: a repeated key is an error, because two readers could read two amounts.
NaN and infinities are let through to the checks of the fields, which name them.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from fraud_prevention.domain.errors import FieldError, InvalidTransaction
from fraud_prevention.domain.transaction import MAX_ID_CHARS


class _RepeatedKey(ValueError):
    def __init__(self, key: str) -> None:
        self.key = key[:MAX_ID_CHARS]
        super().__init__(self.key)


def decode_json(body: bytes) -> object:
    """The value of a JSON text in UTF-8. Raises InvalidTransaction, with "$" for the body as a whole."""
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
