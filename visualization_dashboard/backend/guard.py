"""Refuses what a foreign web page may have started in the browser of somebody who reaches this address.

There is no sign-in that such a page would lack, so the address itself is guarded: by name against DNS rebinding, by
where the browser says that a change comes from, and by a type of body that no form can send.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from flask import Flask, Response, request

from visualization_dashboard.backend.problems import problem

LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
# The pages' server and tools send no such header; only browsers do, and they don't let a page choose it.
_OWN_SITES: Final = frozenset({None, "same-origin", "none"})
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PORT: Final = re.compile(r":[0-9]+$")


def register(app: Flask, allowed_hosts: str, exempt: str) -> None:
    """Check every request before it is handled.

    `allowed_hosts` are comma-separated names beside those of the loopback. `exempt` is the blueprint that probes and
    Prometheus read, who may name the address of the machine; it shows no payment and changes nothing.
    """
    app.before_request(_check(LOOPBACK_HOSTS | set(allowed_hosts.lower().split(",")) - {""}, exempt))


def _check(hosts: frozenset[str], exempt: str) -> Callable[[], Response | None]:
    def refuse_foreign() -> Response | None:
        if request.blueprint == exempt:
            return None
        if _PORT.sub("", request.headers.get("Host", "")).lower() not in hosts:
            return problem(403, "Forbidden", "This host name is not in FRAUD_DASHBOARD_ALLOWED_HOSTS.")
        return None if request.method in _READING else _refuse_foreign_write()

    return refuse_foreign


def _refuse_foreign_write() -> Response | None:
    if request.headers.get("Sec-Fetch-Site") not in _OWN_SITES:
        return problem(403, "Forbidden", "Changes are accepted from the dashboard's own pages only.")
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if has_body and request.mimetype != "application/json":
        return problem(415, "Unsupported media type", "A body must be application/json.")
    return None
