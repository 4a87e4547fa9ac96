"""Bytewax: a stateful map on a stream keyed by customer, with its recovery store."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from ci_cd_testing_deployment.performance_testing.peers.history import Entry, advance
from ci_cd_testing_deployment.performance_testing.peers.job import Job

_SNAPSHOTS: Final = timedelta(seconds=10)


def keyed(message: Any) -> tuple[str, dict[str, Any]]:
    """The event beside its key."""
    return message.key.decode(), orjson.loads(message.value)


def decide(entries: list[Entry] | None, event: dict[str, Any]) -> tuple[list[Entry], bytes]:
    """The customer's new state and the output of the event."""
    entries = [] if entries is None else entries
    features = advance(entries, event)
    return entries, orjson.dumps({"transaction_id": event["transaction_id"], "features": features})


def to_message(item: tuple[str, bytes]) -> Any:
    """The output as the sink wants it."""
    return KafkaSinkMessage(item[0].encode(), item[1])


def run(job: Job) -> None:
    """Follow the source until the benchmark ends the process."""
    brokers = [job.bootstrap_servers]
    flow = Dataflow("peer")
    messages = op.input("source", flow, KafkaSource(brokers, [job.source]))
    decided = op.stateful_map("decide", op.map("keyed", messages, keyed), decide)
    sink = KafkaSink(brokers, job.sink, add_config={"compression.type": "lz4"})
    op.output("sink", op.map("message", decided, to_message), sink)
    store = Path(job.work_dir) / "recovery"
    store.mkdir()
    init_db_dir(store, 1)
    cli_main(flow, epoch_interval=_SNAPSHOTS, recovery_config=RecoveryConfig(store, timedelta(0)))


if __name__ == "__main__":
    run(Job.from_environment())
