"""Quix Streams: a stateful function on a dataframe of a topic."""

from __future__ import annotations

from typing import Any

from quixstreams import Application

from ci_cd_testing_deployment.performance_testing.peers.history import advance
from ci_cd_testing_deployment.performance_testing.peers.job import Job


def decide(event: dict[str, Any], state: Any) -> dict[str, Any]:
    """The output of one event; the state is the customer's, found by the message's key."""
    entries = state.get("entries", default=None) or []
    features = advance(entries, event)
    state.set("entries", entries)
    return {"transaction_id": event["transaction_id"], "features": features}


def run(job: Job) -> None:
    """Follow the source until the benchmark ends the process."""
    app = Application(
        broker_address=job.bootstrap_servers,
        consumer_group="peer-quixstreams",
        auto_offset_reset="earliest",
        state_dir=job.work_dir,
        producer_extra_config={"compression.type": "lz4"},
        loglevel="WARNING",
    )
    source = app.topic(job.source, value_deserializer="json")
    sink = app.topic(job.sink, value_serializer="json")
    app.dataframe(source).apply(decide, stateful=True).to_topic(sink)
    app.run()


if __name__ == "__main__":
    run(Job.from_environment())
