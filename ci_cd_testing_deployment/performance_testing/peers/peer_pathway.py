"""Pathway: a stateful reducer for each customer, whose new outputs are the rows that leave."""

from __future__ import annotations

from typing import Any, Final

import orjson
import pathway as pw

from ci_cd_testing_deployment.performance_testing.peers.history import advance
from ci_cd_testing_deployment.performance_testing.peers.job import Job

# Rows in hand at once, and how long a batch collects. One batch takes all that has come: without a bound a preloaded
# topic would be one batch, and the benchmark has to see several.
_BACKLOG: Final = 10_000
_BATCH_MS: Final = 100


def decide(state: Any, rows: Any) -> Any:
    """The customer's history, and the outputs of the events of one batch, which come in no order of their own."""
    entries = [] if state is None else state[0].value
    events = sorted((orjson.loads(row[0]) for row, _ in rows), key=lambda event: event["event_time"])
    outputs = [
        orjson.dumps({"transaction_id": event["transaction_id"], "features": advance(entries, event)})
        for event in events
    ]
    return pw.PyObjectWrapper(entries), tuple(outputs)


def run(job: Job) -> None:
    """Follow the source until the benchmark ends the process."""
    settings = {"bootstrap.servers": job.bootstrap_servers, "group.id": "peer-pathway", "auto.offset.reset": "earliest"}
    records = pw.io.kafka.read(
        settings, job.source, format="raw", max_backlog_size=_BACKLOG, autocommit_duration_ms=_BATCH_MS
    )
    decide.__annotations__ = {"return": tuple[pw.PyObjectWrapper, tuple[bytes, ...]]}
    reducer = pw.reducers.stateful_many(decide)
    states = records.groupby(pw.this.key).reduce(pw.this.key, state=reducer(pw.this.data))
    outputs = states.select(pw.this.key, outputs=pw.this.state[1]).flatten(pw.this.outputs)
    changes = outputs.to_stream()
    written = changes.filter(pw.this.is_upsert).select(pw.this.key, value=pw.this.outputs)
    producer = {"bootstrap.servers": job.bootstrap_servers, "compression.type": "lz4"}
    pw.io.kafka.write(written, producer, job.sink, format="raw", key=written.key, value=written.value)
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)


if __name__ == "__main__":
    run(Job.from_environment())
