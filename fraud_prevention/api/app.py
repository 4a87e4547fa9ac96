"""The synchronous decision API as a Flask application. Knows HTTP and the use case, no adapter."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Flask, Response, g, request
from werkzeug.exceptions import UnsupportedMediaType

from fraud_prevention.api import problems
from fraud_prevention.api.metrics import ApiMetrics
from fraud_prevention.domain.errors import FraudError
from fraud_prevention.usecases.decide import DecideTransaction
from fraud_prevention.usecases.intake import decode_json

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class ApiParts:
    """What the application serves. A readiness check returns, or raises a FraudError that says what is missing."""

    decide: DecideTransaction
    checks: Mapping[str, Callable[[], None]]
    metrics: ApiMetrics
    description: Mapping[str, Any]
    max_body_bytes: int
    deadline_s: float


def create_app(parts: ApiParts) -> Flask:
    """The WSGI application; thread-safe."""
    app = Flask("fraud_prevention.api", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = parts.max_body_bytes
    problems.install(app)
    _time_requests(app, parts.metrics)
    _add_decisions(app, parts)
    _add_operations(app, parts)
    return app


def _time_requests(app: Flask, metrics: ApiMetrics) -> None:
    def start() -> None:
        g.started_s = time.perf_counter()

    def finish(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "unknown"
        metrics.answered(route, response.status_code, time.perf_counter() - g.started_s)
        return response

    app.before_request(start)
    app.after_request(finish)


def _add_decisions(app: Flask, parts: ApiParts) -> None:
    @app.post("/v1/decisions")
    def decide() -> Response:
        if request.mimetype != _JSON:
            raise UnsupportedMediaType(f"send {_JSON}")
        answer = parts.decide(decode_json(request.get_data(cache=False)))
        is_late = time.perf_counter() - g.started_s > parts.deadline_s
        parts.metrics.decided(answer.decision, is_late=is_late)
        return Response(answer.body, content_type=_JSON)

    @app.get("/v1/decisions/<transaction_id>")
    def find(transaction_id: str) -> Response:
        return Response(parts.decide.find(transaction_id), content_type=_JSON)


def _add_operations(app: Flask, parts: ApiParts) -> None:
    description = orjson.dumps(parts.description)

    @app.get("/healthz")
    def alive() -> Response:
        return Response(b'{"status":"alive"}', content_type=_JSON)

    @app.get("/readyz")
    def ready() -> Response:
        found = {name: _reason(check) for name, check in parts.checks.items()}
        missing = {name: reason for name, reason in found.items() if reason}
        body = {"status": "waiting" if missing else "ready", "missing": missing}
        return Response(orjson.dumps(body), status=503 if missing else 200, content_type=_JSON)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(parts.metrics.exposition(), content_type=parts.metrics.content_type)

    @app.get("/openapi.json")
    def openapi() -> Response:
        return Response(description, content_type=_JSON)


def _reason(check: Callable[[], None]) -> str | None:
    try:
        check()
    except FraudError as error:
        return str(error)
    return None
