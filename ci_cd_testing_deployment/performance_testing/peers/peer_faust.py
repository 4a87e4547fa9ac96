"""Faust: an agent that keeps each customer's history in a table."""

from __future__ import annotations

from typing import Any

import faust
import orjson

from ci_cd_testing_deployment.performance_testing.peers.history import advance
from ci_cd_testing_deployment.performance_testing.peers.job import Job


def application(job: Job) -> Any:
    """The app with its one agent."""
    app = faust.App(
        "peer-faust",
        broker=f"kafka://{job.bootstrap_servers}",
        store="memory://",
        datadir=job.work_dir,
        topic_partitions=12,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
        autodiscover=False,
    )
    source = app.topic(job.source, key_type=str, value_type=bytes, key_serializer="raw", value_serializer="raw")
    sink = app.topic(job.sink, key_type=str, value_type=bytes, key_serializer="raw", value_serializer="raw")
    histories = app.Table("histories", partitions=12)

    async def decide(messages: Any) -> None:
        async for customer, value in messages.items():
            event = orjson.loads(value)
            entries = histories.get(customer) or []
            features = advance(entries, event)
            histories[customer] = entries
            output = {"transaction_id": event["transaction_id"], "features": features}
            await sink.send(key=customer, value=orjson.dumps(output))

    app.agent(source)(decide)
    return app


def run(job: Job) -> None:
    """Follow the source until the benchmark ends the process."""
    faust.Worker(application(job), loglevel="WARNING").execute_from_commandline()


if __name__ == "__main__":
    run(Job.from_environment())
