"""`collect()` in foreachBatch: the batch goes to the driver, whose loop reads and writes Redis for each event.

Written from the description of a public design; its cap of 5,000 events a second is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
import redis
from confluent_kafka import Producer

from ci_cd_testing_deployment.performance_testing.peers.history import CAP, advance, entry_of
from ci_cd_testing_deployment.performance_testing.peers.job import Job
from ci_cd_testing_deployment.performance_testing.peers.spark_batches import follow
from ci_cd_testing_deployment.performance_testing.peers.spark_session import events_of, session_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_BATCH: Final = 5_000
_FLUSH_S: Final = 60


class Loop:
    """The driver's loop over one batch."""

    def __init__(self, job: Job) -> None:
        self._redis = redis.Redis.from_url(job.redis_url)
        self._producer = Producer({"bootstrap.servers": job.bootstrap_servers, "compression.type": "lz4"})
        self._sink = job.sink

    def __call__(self, batch: DataFrame, _batch_id: int) -> None:
        for row in batch.collect():
            self._decide(row.asDict())
        if left := self._producer.flush(_FLUSH_S):
            raise RuntimeError(f"{left} outputs were not acknowledged within {_FLUSH_S} s")

    def _decide(self, event: dict[str, Any]) -> None:
        key = f"history:{event['customer_id']}"
        held: Any = self._redis.lrange(key, 0, -1)
        features = advance([orjson.loads(entry) for entry in held], event)
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.rpush(key, orjson.dumps(entry_of(event)))
            pipeline.ltrim(key, -CAP, -1)
            pipeline.execute()
        output = {"transaction_id": event["transaction_id"], "features": features}
        self._producer.produce(self._sink, orjson.dumps(output), key=event["customer_id"])
        self._producer.poll(0)


def run(job: Job) -> None:
    """Drain the source in micro-batches."""
    session = session_of()
    try:
        query = (
            events_of(session, job, _BATCH)
            .writeStream.foreachBatch(Loop(job))
            .option("checkpointLocation", f"{job.work_dir}/checkpoint")
            .trigger(availableNow=True)
            .start()
        )
        follow(query)
    finally:
        session.stop()


if __name__ == "__main__":
    run(Job.from_environment())
