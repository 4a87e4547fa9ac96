"""The API's metrics in Prometheus form, made from the closed list of names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest

from fraud_prevention.domain import metrics as names


class ApiMetrics:
    """Counts and times of one process. Thread-safe."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = self._counter(names.API_REQUESTS)
        self._seconds = Histogram(
            names.API_SECONDS.name,
            names.API_SECONDS.description,
            names.API_SECONDS.labels,
            buckets=names.API_SECONDS.buckets,
            registry=self._registry,
        )
        self._decisions = self._counter(names.API_DECISIONS)
        self._repeated = self._counter(names.API_REPEATED)
        self._degraded = self._counter(names.API_DEGRADED)
        self._late = self._counter(names.API_LATE)

    def _counter(self, metric: names.Metric) -> Counter:
        return Counter(metric.name, metric.description, metric.labels, registry=self._registry)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """One request left, whatever it was."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def decided(self, decision: Mapping[str, Any] | None, *, is_late: bool) -> None:
        """One transaction was decided; None where the answer had been given before."""
        if decision is None:
            self._repeated.inc()
            return
        self._decisions.labels(decision["outcome"]).inc()
        for missing in decision["degraded"]:
            self._degraded.labels(missing).inc()
        if is_late:
            self._late.inc()

    def exposition(self) -> bytes:
        """The text that a Prometheus server reads."""
        return generate_latest(self._registry)
