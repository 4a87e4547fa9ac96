"""Errors as the API's callers see them: problem details (RFC 9457), mapped here and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Final

import structlog
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from fraud_prevention.domain.errors import (
    FieldError,
    FraudError,
    IdempotencyConflict,
    InvalidTransaction,
    NotFound,
    RequestInFlight,
    Unavailable,
)

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 1

_STATUS: Final[dict[type[FraudError], HTTPStatus]] = {
    InvalidTransaction: HTTPStatus.UNPROCESSABLE_ENTITY,
    IdempotencyConflict: HTTPStatus.CONFLICT,
    RequestInFlight: HTTPStatus.CONFLICT,
    NotFound: HTTPStatus.NOT_FOUND,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
_TITLE: Final[dict[type[FraudError], str]] = {
    InvalidTransaction: "The transaction breaks the contract",
    IdempotencyConflict: "The transaction id was used with another body",
    RequestInFlight: "The transaction is being decided",
    NotFound: "There is no such thing",
    Unavailable: "A dependency did not answer in time; the transaction may have been recorded, retry with the same id",
}
_RETRYABLE: Final = (RequestInFlight, Unavailable)

log = structlog.get_logger(__name__)


def problem(
    status: int, kind: str, title: str, detail: str, errors: Sequence[FieldError] = (), *, is_retryable: bool = False
) -> Response:
    """One problem document. ASCII on the wire, so that a hostile field name cannot break the encoding."""
    document = {"type": f"urn:fraudstream:problem:{kind}", "title": title, "status": status, "detail": detail}
    if errors:
        document |= {"errors": [asdict(error) for error in errors]}
    response = Response(json.dumps(document), status=status, content_type=MEDIA_TYPE)
    if is_retryable:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _kebab(name: str) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


def _of_fraud_error(error: FraudError) -> Response:
    kind = type(error)
    if kind not in _STATUS:
        log.error("unmapped_error", kind=kind.__name__, exc_info=error)
        return problem(500, "internal", "The service failed", "the failure was logged")
    if isinstance(error, Unavailable):
        log.warning("refused_unavailable", dependency=error.dependency, reason=str(error))
    errors = error.errors if isinstance(error, InvalidTransaction) else ()
    return problem(
        _STATUS[kind], _kebab(kind.__name__), _TITLE[kind], str(error)[:500], errors, is_retryable=kind in _RETRYABLE
    )


def _of_http_error(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    kind = _kebab(type(error).__name__)
    field_errors: tuple[FieldError, ...] = ()
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        field_errors = (FieldError("$", "too_large", "is larger than a transaction can be"),)
    response = problem(status, kind, error.name, error.description or error.name, field_errors)
    if allow := error.get_response().headers.get("Allow"):
        response.headers["Allow"] = allow
    return response


def install(app: Flask) -> None:
    """Map every error of the business and of HTTP to a problem document."""
    app.register_error_handler(FraudError, _of_fraud_error)
    app.register_error_handler(HTTPException, _of_http_error)
