"""Checks a payload against the contract of its topic, with errors in the words of the business."""

from __future__ import annotations

from typing import Any

import jsonschema_rs

from data_pipeline.contract.load import validator
from fraud_prevention.domain.errors import FieldError

_CODES = {
    "required": "missing",
    "type": "wrong_type",
    "pattern": "bad_format",
    "enum": "unknown_value",
    "additionalProperties": "unknown_field",
    "minimum": "out_of_range",
    "maximum": "out_of_range",
}


def check_payload(schema: str, payload: Any) -> list[FieldError]:
    """Every field of `payload` that breaks `schema` (such as `labels.v1`); [] where none does."""
    return [_field_error(error) for error in validator(schema).iter_errors(payload)]


def _field_error(error: jsonschema_rs.ValidationError) -> FieldError:
    keyword = str(error.schema_path[-1]) if error.schema_path else ""
    details = error.kind.as_dict()
    if error.instance_path:
        field = str(error.instance_path[0])
    elif keyword == "required":  # found on the object that lacks the field
        field = str(details["property"]).strip('"')
    elif keyword == "additionalProperties":
        field = str(details["unexpected"][0])
    else:
        field = "$"
    return FieldError(field[:64], _CODES.get(keyword, "bad_value"), error.message[:200])
