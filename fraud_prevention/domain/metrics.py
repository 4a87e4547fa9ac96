"""The closed list of metric names. Standard library only.

A process registers what it needs from this list and nothing else; dashboards and alerts refer to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its unit is the end of its name; `labels` have few values each, never an id."""

    name: str
    kind: Literal["counter", "histogram", "gauge"]
    description: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_LATENCY_S: Final = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5)

API_REQUESTS: Final = Metric(
    "fraud_api_requests_total", "counter", "Requests answered, by route and status.", ("route", "status")
)
API_SECONDS: Final = Metric(
    "fraud_api_request_seconds", "histogram", "Time from the request's arrival to its answer.", ("route",), _LATENCY_S
)
API_DECISIONS: Final = Metric("fraud_api_decisions_total", "counter", "Decisions made, by outcome.", ("outcome",))
API_REPEATED: Final = Metric("fraud_api_repeated_total", "counter", "Requests that got an answer given before.")
API_DEGRADED: Final = Metric(
    "fraud_api_degraded_total", "counter", "Decisions made without something they should have had.", ("missing",)
)
API_LATE: Final = Metric("fraud_api_late_total", "counter", "Decisions answered after the deadline.")

DASHBOARD_FEED_CLIENTS: Final = Metric("fraud_dashboard_feed_clients", "gauge", "Pages that follow the live feed.")

SKEW_COMPARED: Final = Metric(
    "fraud_skew_vectors_compared_total",
    "counter",
    "Served vectors that were compared with their recomputation, by who decided.",
    ("decided_by",),
)
SKEW_MISMATCHES: Final = Metric(
    "fraud_skew_feature_mismatches_total",
    "counter",
    "Features of compared vectors that differ from their recomputation.",
    ("feature", "decided_by"),
)
SKEW_UNMATCHED: Final = Metric(
    "fraud_skew_vectors_unmatched_total",
    "counter",
    "Vectors that could not be compared, by reason.",
    ("reason",),
)
SKEW_LAG: Final = Metric(
    "fraud_skew_lag_records", "gauge", "Records in the log that the skew meter has not taken in.", ("topic",)
)

METRICS: Final = (
    API_REQUESTS,
    API_SECONDS,
    API_DECISIONS,
    API_REPEATED,
    API_DEGRADED,
    API_LATE,
    DASHBOARD_FEED_CLIENTS,
    SKEW_COMPARED,
    SKEW_MISMATCHES,
    SKEW_UNMATCHED,
    SKEW_LAG,
)
