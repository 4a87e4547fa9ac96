"""The API's description, made from the contract of transactions.v1, so that the two cannot differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from fraud_prevention.api.problems import MEDIA_TYPE
from fraud_prevention.domain.decision import OUTCOMES
from fraud_prevention.domain.reasons import REASONS

API_VERSION: Final = "1"
# What the topic requires and the API computes where the sender leaves it out.
_COMPUTED: Final = frozenset({"amount_base_minor"})
_MAX_EXAMPLES: Final = 3


def describe(contracts: Path) -> dict[str, Any]:
    """OpenAPI 3.1 document; `contracts` holds `schemas/` and `examples/`. Raises OSError where they are not."""
    schema = orjson.loads((contracts / "schemas" / "transactions.v1.json").read_bytes())
    examples = orjson.loads((contracts / "examples" / "transactions.v1.json").read_bytes())["valid"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Fraudstream decision API",
            "version": API_VERSION,
            "description": "Decides one transaction while a payment waits. Idempotent by transaction_id.",
        },
        "paths": {
            "/v1/decisions": {"post": _decide_operation(examples)},
            "/v1/decisions/{transaction_id}": {"get": _find_operation()},
            "/healthz": {"get": _plain("alive", "The process is alive.", {"200": "It is."})},
            "/readyz": {
                "get": _plain("ready", "It can decide.", {"200": "Every dependency answers.", "503": "Not all."})
            },
            "/metrics": {"get": _plain("metrics", "Prometheus text.", {"200": "Counters and histograms."})},
        },
        "components": {"schemas": {"Transaction": _request_schema(schema), "Decision": _DECISION, "Problem": _PROBLEM}},
    }


def _request_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The topic's schema as the API takes it: no field may be unknown, computed ones may be left out."""
    request = {key: value for key, value in schema.items() if key not in {"$schema", "$id"}}
    request["title"] = "Transaction"
    request["required"] = [name for name in schema["required"] if name not in _COMPUTED]
    request["additionalProperties"] = False
    return request


def _decide_operation(examples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    shown = {
        example["name"].replace(" ", "-"): {"summary": example["name"], "value": example["payload"]}
        for example in examples[:_MAX_EXAMPLES]
    }
    return {
        "operationId": "decide",
        "summary": "Decide one transaction",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref("Transaction"), "examples": shown}},
        },
        "responses": {
            "200": _json("Decided, or the answer that this id got before.", "Decision"),
            "409": _problem("The id was used with another body, or another request is deciding it."),
            "413": _problem("The body is too large."),
            "415": _problem("The body is not JSON."),
            "422": _problem("The transaction breaks the contract; `errors` names each field."),
            "503": _problem(
                "Not confirmed: the log did not answer in time. It may have been recorded; retry with the same id."
            ),
        },
    }


def _find_operation() -> dict[str, Any]:
    parameter = {
        "name": "transaction_id",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "maxLength": 64},
    }
    return {
        "operationId": "find",
        "summary": "The answer given for a transaction",
        "parameters": [parameter],
        "responses": {
            "200": _json("The answer.", "Decision"),
            "404": _problem("Nothing was decided under this id."),
            "503": _problem("Nobody who keeps answers could be asked. Retry."),
        },
    }


def _plain(operation_id: str, summary: str, responses: Mapping[str, str]) -> dict[str, Any]:
    described = {status: {"description": text} for status, text in responses.items()}
    return {"operationId": operation_id, "summary": summary, "responses": described}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, name: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _ref(name)}}}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": _ref("Problem")}}}


def _object(properties: dict[str, Any], optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


_TEXT: Final = {"type": "string"}
_SHARE: Final = {"type": "number", "minimum": 0, "maximum": 1}
_CODE: Final = {"type": "string", "enum": sorted(REASONS)}

_DECISION: Final = _object(
    {
        "transaction_id": _TEXT,
        "outcome": {"type": "string", "enum": list(OUTCOMES)},
        "risk_score": {**_SHARE, "description": "Share of good traffic that scores lower."},
        "probability": {**_SHARE, "description": "Calibrated chance of fraud."},
        "reason_codes": {"type": "array", "items": _CODE, "description": "Most severe first."},
        "reasons": {"type": "array", "items": _object({"code": _CODE, "text": _TEXT})},
        "rule_hits": {"type": "array", "items": _TEXT, "description": "Ids of the rules that hit."},
        "model_version": _TEXT,
        "policy_version": _TEXT,
        "degraded": {"type": "array", "items": _TEXT, "description": "What the decision had to do without."},
        "latency_ms": {"type": "number", "description": "From the request's arrival to the decision."},
    }
)
_PROBLEM: Final = _object(
    {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "errors": {"type": "array", "items": _object({"field": _TEXT, "code": _TEXT, "message": _TEXT})},
    },
    optional=frozenset({"errors"}),
)
