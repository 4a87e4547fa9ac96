"""The meter's figures in Prometheus form, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from data_pipeline.skew.follow import Follower
from fraud_prevention.domain import metrics as names
from model.features.catalogue import FEATURE_NAMES

_HOST: Final = "127.0.0.1"


class SkewCollector(Collector):
    """Every series is there from the start: also those of features without a mismatch."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower

    def collect(self) -> Iterable[Metric]:
        tally = self._follower.meter.tally
        compared, mismatches, unmatched = (
            CounterMetricFamily(metric.name, metric.description, labels=metric.labels)
            for metric in (names.SKEW_COMPARED, names.SKEW_MISMATCHES, names.SKEW_UNMATCHED)
        )
        for by, count in tally.compared.items():
            compared.add_metric([by], count)
        for by, counts in tally.mismatches.items():
            for feature, count in zip(FEATURE_NAMES, counts.tolist(), strict=True):
                mismatches.add_metric([feature, by], count)
        for reason, count in tally.unmatched.items():
            unmatched.add_metric([reason], count)
        lag = GaugeMetricFamily(names.SKEW_LAG.name, names.SKEW_LAG.description, labels=names.SKEW_LAG.labels)
        for topic, records in self._follower.lag.items():
            lag.add_metric([topic], records)
        return [compared, mismatches, unmatched, lag]


@contextmanager
def served_metrics(follower: Follower, port: int) -> Iterator[int]:
    """Serve the metrics on the loopback while the block runs; yields the port, chosen by the system where it is 0."""
    registry = CollectorRegistry()
    registry.register(SkewCollector(follower))
    server, thread = start_http_server(port, _HOST, registry)
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
