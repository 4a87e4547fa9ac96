"""The stream's image in each way that it runs: it decides what the producer's image sends, and ends after the plan in hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest
from confluent_kafka import Consumer, TopicPartition
from testcontainers.core.network import Network
from testcontainers.core.wait_strategies import HealthcheckWaitStrategy

from fraud_prevention.domain.topics import DECISIONS
from tests.ship.images.product.containers import finish, hardened, inspect
from tests.ship.images.product.test_product import eventually

_PAYMENTS: Final = 30
# As Spark on Kubernetes starts a driver, but with threads for executors.
_SUBMITTED: Final = (
    "driver",
    "--master=local[2]",
    "--driver-memory=600m",
    "local:///app/data-pipeline/spark_streaming.py",
)
_WAYS: Final[Mapping[str, tuple[dict[str, str], tuple[str, ...]]]] = {
    "lite": ({"FRAUD_STREAM_RUNNER": "lite"}, ()),
    "spark": ({}, ()),
    "submitted": ({"SPARK_DRIVER_BIND_ADDRESS": "127.0.0.1", "FRAUD_STREAM_MASTER": "local[1]"}, _SUBMITTED),
}


def decisions(brokers: str) -> int:
    """How many records the topic of decisions has got."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "counting"})
    try:
        partitions = consumer.list_topics(DECISIONS, timeout=10).topics[DECISIONS].partitions
        return sum(
            consumer.get_watermark_offsets(TopicPartition(DECISIONS, number), timeout=10)[1] for number in partitions
        )
    finally:
        consumer.close()


@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.timeout(600)
def test_stream_decides_and_ends_in_peace(
    way: str,
    network: Network,
    environment: dict[str, str],
    models: Path,
    bundles: Path,
    built: Callable[[str], str],
    prepared: None,  # noqa: ARG001 - it makes the topics
) -> None:
    built("pipeline")
    built("producer")
    brokers = environment["FRAUD_KAFKA_BOOTSTRAP_SERVERS"]
    settings, command = _WAYS[way]
    needed = {name: value for name, value in environment.items() if name != "FRAUD_POSTGRES_DSN"}
    mounts = {models: ("/models", "ro"), bundles: ("/bundles", "rw")}
    before = decisions(brokers)
    with hardened("pipeline", network, {**needed, **settings}, *command, mounts=mounts) as stream:
        HealthcheckWaitStrategy().with_startup_timeout(300).wait_until_ready(stream)
        sender = hardened(
            "producer", network, {"FRAUD_KAFKA_BOOTSTRAP_SERVERS": brokers}, "python", "data-pipeline/kafka_producer.py",
            "--num", str(_PAYMENTS), "--delay", "0", "--customers", "50",
            "--seed", str(list(_WAYS).index(way)),  # a world that was seen before would be answered as before
        )  # fmt: skip
        code, output = finish(sender, 120)
        assert code == 0, output
        eventually(lambda: decisions(brokers) >= before + _PAYMENTS, "a decision on each payment", 120)
        container = stream.get_wrapped_container()
        container.stop(timeout=60)
        log = container.logs().decode()
        assert "stream stopped" in log, log[-4_000:]
        assert inspect(container.id or "")["State"]["ExitCode"] == 0, log[-4_000:]
