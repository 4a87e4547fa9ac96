"""What changes by the second: the key figures and the event stream."""

from __future__ import annotations

from typing import Final

from apiflask import APIBlueprint
from flask import Response, request

from visualization_dashboard.backend.schemas import Figures
from visualization_dashboard.backend.services import services

# As many as a 64-bit number has at most; `int` refuses texts of some thousand digits.
_ID_DIGITS: Final = 19

blueprint = APIBlueprint("live", __name__, tag="Live")


@blueprint.get("/figures")
@blueprint.output(Figures)
@blueprint.doc(summary="The key figures", operation_id="getFigures")
def get_figures() -> Figures:
    return services().figures()


@blueprint.get("/feed")
@blueprint.doc(
    summary="Decisions, alerts and case events as they happen (server-sent events)",
    description=(
        "Events: `decision` (FeedDecision; approvals are sampled, everything else is sent), `alert` (FeedAlert), "
        "`case` (FeedCaseEvent), `ping` (FeedPing, each ten seconds). A new client gets the newest ones first. "
        "A client that reads too slowly loses approvals first."
    ),
    operation_id="streamFeed",
    responses={503: "Too many clients"},
)
def stream_feed() -> Response:
    last = request.headers.get("Last-Event-ID", "")
    is_id = last.isdecimal() and len(last) <= _ID_DIGITS
    stream = services().feed.stream(after=int(last) if is_id else None)
    return Response(
        stream,
        mimetype="text/event-stream",
        # Proxies would otherwise hold events back until a buffer is full.
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
    )
