"""Records that break the contract in every way known, for one partition of a benchmark."""

from __future__ import annotations

from itertools import cycle, islice
from typing import Final

import orjson
from confluent_kafka import Producer

from fraud_prevention.domain.topics import TRANSACTIONS

PARTITION: Final = 0
_FLUSH_S: Final = 120
_TOO_LARGE: Final = 1_100_000
_LARGE_EVERY: Final = 2_000  # a megabyte is rare, or the benchmark would measure the loopback device


def poison(bootstrap_servers: str, count: int) -> None:
    """Put that many bad records behind what the partition holds.

    Raises RuntimeError when the broker does not take all of them in time.
    """
    producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 20, "message.max.bytes": 2_000_000})
    for number, body in enumerate(islice(cycle(_BODIES), count)):
        value = b'"' + b"x" * _TOO_LARGE + b'"' if number % _LARGE_EVERY == _LARGE_EVERY - 1 else body
        while True:
            try:
                producer.produce(TRANSACTIONS, value, partition=PARTITION)  # without a key
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(_FLUSH_S):
        raise RuntimeError(f"the broker did not take {count:,} records within {_FLUSH_S} s")


_GOOD: Final = {
    "transaction_id": "p", "event_time": 1_700_000_000_000, "utc_offset_min": 0, "customer_id": "c", "card_token": "k",
    "merchant_id": "m", "mcc": "5411", "amount_minor": 1, "currency": "EUR", "merchant_country": "FR", "channel": "chip",
}  # fmt: skip

_BODIES: Final[tuple[bytes | None, ...]] = (
    b'{"transaction_id": "\xff\xfe"}',
    orjson.dumps(_GOOD)[:-1] + b',"lat":NaN}',
    b"[" * 1_000 + b"]" * 1_000,
    None,
    orjson.dumps({**_GOOD, "from_the_future": 1}),
    orjson.dumps({**_GOOD, "amount_minor": "1"}),
    orjson.dumps(_GOOD)[:-1],
)
