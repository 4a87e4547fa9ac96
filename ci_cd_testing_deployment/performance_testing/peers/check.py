"""Are a peer's outputs what the product's replay computes from the same events?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from ci_cd_testing_deployment.performance_testing.peers.history import FEATURES
from model.features.catalogue import index_of

PLACES = [index_of(name) for name in FEATURES]
Output = tuple[str, list[float]]  # transaction id, the numbers of FEATURES


@dataclass(frozen=True, slots=True)
class Answers:
    """The right numbers f8[n, len(FEATURES)] and the row of each transaction."""

    rows: Mapping[str, int]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """checked: events of the job that have an output; equal: those whose numbers are all the same; repeats: outputs
    beyond the first of an event.
    """

    checked: int
    equal: int
    repeats: int


def right_answers(table: pa.Table) -> Answers:
    """What the kernel says about these events."""
    from model.features.replay import replay

    ids = table.column("transaction_id").to_pylist()
    return Answers({name: row for row, name in enumerate(ids)}, replay(table)[:, PLACES])


def output_of(payload: Mapping[str, Any]) -> Output:
    """A record of a peer's sink."""
    return payload["transaction_id"], payload["features"]


def compare(outputs: Iterator[Output], answers: Answers, events: int) -> Comparison:
    """Compare the outputs with the answers to the first `events` events. The last output of an event counts.

    Raises KeyError for an output of an unknown transaction.
    """
    found = np.full((events, len(FEATURES)), np.nan)
    has_output = np.zeros(events, bool)
    repeats = 0
    for name, values in outputs:
        row = answers.rows[name]
        repeats += bool(has_output[row])
        found[row], has_output[row] = values, True
    is_equal = (found == answers.values[:events]).all(axis=1)
    return Comparison(int(has_output.sum()), int(is_equal.sum()), repeats)


def read_outputs(
    bootstrap_servers: str, sink: str, reading: Callable[[Mapping[str, Any]], Output] = output_of
) -> Iterator[Output]:
    """All outputs on a sink. Raises Unavailable."""
    from config import KafkaSettings
    from data_pipeline.read_topic import read_to_end
    from storage_security.kafka.confluent_reader import ConfluentReader

    reader = ConfluentReader(KafkaSettings(bootstrap_servers=bootstrap_servers))
    try:
        for record in read_to_end(reader, sink):
            yield reading(orjson.loads(record.value or b"null"))
    finally:
        reader.close()
