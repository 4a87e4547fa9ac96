"""The dashboard API as a Flask application. Knows routes and headers; servers and stores are handed in."""

from __future__ import annotations

from typing import Final

from apiflask import APIFlask
from flask import Response

from visualization_dashboard.backend import contract, guard, problems
from visualization_dashboard.backend.routes import cases, live, ops
from visualization_dashboard.backend.services import Services

MAX_BODY_BYTES: Final = 65_536


def contract_app() -> APIFlask:
    """All routes, no services: enough to write the OpenAPI document."""
    app = APIFlask(
        "fraudstream-dashboard",
        title="Fraudstream dashboard API",
        version="1",
        spec_path="/api/openapi.json",
        docs_path=None,
        static_folder=None,  # type: ignore[arg-type]  # the annotation forgets what Flask allows
    )
    app.config.update(
        AUTO_404_RESPONSE=False,
        AUTO_SERVERS=False,
        OPENAPI_VERSION="3.1.0",
        SYNC_LOCAL_SPEC=False,
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        VALIDATION_ERROR_DESCRIPTION="Invalid request",
    )
    app.register_blueprint(cases.blueprint, url_prefix="/api")
    app.register_blueprint(live.blueprint, url_prefix="/api")
    app.register_blueprint(ops.blueprint)
    problems.register(app)
    app.spec_processor(contract.finish)
    app.after_request(_harden)
    return app


def create_app(services: Services, allowed_hosts: str = "") -> APIFlask:
    """The application that serves; see `guard.register` for the hosts."""
    app = contract_app()
    guard.register(app, allowed_hosts, exempt=ops.blueprint.name)
    app.extensions.update(services.attach())
    return app


def _harden(response: Response) -> Response:
    """Nothing here is a page or may be kept by a cache; pages carry their own content policy."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    return response
