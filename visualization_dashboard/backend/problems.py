"""Errors become RFC 9457 problem details here, once, and nowhere else."""

from __future__ import annotations

from typing import Any, Final

import structlog
from apiflask import APIFlask, HTTPError
from flask import Response, jsonify
from werkzeug.exceptions import HTTPException

from fraud_prevention.domain.errors import CaseConflict, FieldError, FraudError, NotFound, Unavailable

_log = structlog.get_logger(__name__)
_STATUS: Final[dict[type[FraudError], tuple[int, str]]] = {
    NotFound: (404, "Not found"),
    CaseConflict: (409, "The case is not in a state for this"),
    Unavailable: (503, "A dependency does not answer"),
}
_RETRY_AFTER_S: Final = 2


class InvalidCursor(ValueError):
    """The page cursor was not made by this API."""


def problem(status: int, title: str, detail: str, errors: list[FieldError] | None = None) -> Response:
    """A response of type application/problem+json."""
    fields = [{"field": e.field, "code": e.code, "message": e.message} for e in errors or ()]
    response = jsonify(type="about:blank", title=title, status=status, detail=detail, errors=fields)
    response.status_code = status
    response.content_type = "application/problem+json"
    if status == 503:
        response.headers["Retry-After"] = str(_RETRY_AFTER_S)
    return response


def register(app: APIFlask) -> None:
    """Map every error that a route can raise."""

    @app.errorhandler(FraudError)
    def on_fraud_error(error: FraudError) -> Response:
        status, title = next((v for k, v in _STATUS.items() if isinstance(error, k)), (500, "Internal error"))
        if status == 500:
            _log.error("request_failed", error=str(error), kind=type(error).__name__)
        return problem(status, title, str(error) if status != 500 else "see the log")

    @app.errorhandler(InvalidCursor)
    def on_cursor(error: InvalidCursor) -> Response:
        return problem(422, "Invalid request", str(error), [FieldError("cursor", "bad_format", str(error))])

    @app.error_processor
    def on_http_error(error: HTTPError) -> Response:
        return problem(error.status_code, str(error.message), str(error.message), _validation_errors(error.detail))

    @app.errorhandler(HTTPException)
    def on_http_exception(error: HTTPException) -> Response:
        return problem(error.code or 500, error.name, error.description or error.name)


def _validation_errors(detail: Any) -> list[FieldError]:
    """APIFlask's {location: {field: [messages]}} as field errors."""
    if not isinstance(detail, dict):
        return []
    return [
        FieldError(str(field), "invalid", str(message))
        for fields in detail.values()
        if isinstance(fields, dict)
        for field, messages in fields.items()
        for message in (messages if isinstance(messages, list) else [messages])
    ]
