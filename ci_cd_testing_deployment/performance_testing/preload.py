"""Fills a topic before a benchmark drains it."""

from __future__ import annotations

from typing import Final

import orjson
import pyarrow as pa
from confluent_kafka import KafkaError, Message, Producer

from data_pipeline.produce.message import wire_rows

_FLUSH_S: Final = 120


def preload(bootstrap_servers: str, topic: str, table: pa.Table) -> None:
    """Put each row on the topic, keyed and partitioned as the product's producer does.

    Raises RuntimeError when the broker does not take all of them in time.
    """
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "linger.ms": 20,
            "compression.type": "lz4",
            "partitioner": "murmur2_random",
        }
    )
    taken = 0

    def note(error: KafkaError | None, _message: Message) -> None:
        nonlocal taken
        taken += error is None

    for payload in wire_rows(table):
        while True:
            try:
                producer.produce(topic, orjson.dumps(payload), key=payload["customer_id"], on_delivery=note)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush(_FLUSH_S)
    if taken != table.num_rows:
        raise RuntimeError(f"the broker took {taken:,} of {table.num_rows:,} events within {_FLUSH_S} s")
