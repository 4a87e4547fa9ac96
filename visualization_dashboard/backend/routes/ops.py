"""What operators and probes ask."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from fraud_prevention.domain.errors import Unavailable
from visualization_dashboard.backend.services import services

blueprint = APIBlueprint("ops", __name__, enable_openapi=False)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process lives. Depends on nothing else, so that a lost database does not restart it."""
    return jsonify(status="ok", checks={})


@blueprint.get("/readyz")
def readyz() -> Response:
    """Every dependency answers; 503 names those that do not."""
    checks: dict[str, str] = {}
    for name, check in services().checks.items():
        try:
            check()
        except Unavailable as error:
            checks[name] = error.reason
        else:
            checks[name] = "ok"
    is_ready = all(v == "ok" for v in checks.values())
    response = jsonify(status="ok" if is_ready else "unavailable", checks=checks)
    response.status_code = 200 if is_ready else 503
    return response


@blueprint.get("/metrics")
def metrics() -> Response:
    return Response(generate_latest(services().metrics), content_type=CONTENT_TYPE_LATEST)
