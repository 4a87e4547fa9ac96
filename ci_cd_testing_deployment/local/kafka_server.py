"""The Kafka broker of the stack: one KRaft node, broker and controller in one process, from its published jars."""

from __future__ import annotations

import base64
import os
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ci_cd_testing_deployment.local import maven, ports
from ci_cd_testing_deployment.local.errors import StackError
from ci_cd_testing_deployment.local.place import Context
from ci_cd_testing_deployment.local.ports import LOOPBACK
from ci_cd_testing_deployment.local.prerequisites import find_java, find_maven
from ci_cd_testing_deployment.local.process import Launch
from fraud_prevention.domain.topics import MAX_MESSAGE_BYTES

_LOG4J: Final = Path(__file__).resolve().parent / "kafka" / "log4j2.properties"
_HEAP: Final = "384m"
_FORMAT_TIMEOUT_S: Final = 120

_PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{broker},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{broker}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
message.max.bytes={largest}
replica.fetch.max.bytes={largest}
socket.request.max.bytes=104857600
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=2
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
log.index.size.max.bytes=2097152
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=2
"""


def _java(java: str, jars: Path, *options: str) -> list[str]:
    return [java, *options, "-Djava.awt.headless=true", f"-Dlog4j2.configurationFile={_LOG4J}", "-cp", f"{jars}/*"]


class KafkaServer:
    """Kafka 4 without ZooKeeper. Data survives a restart; ports may change between two.

    It listens at the one address that it tells clients to come to.
    """

    name: Final = "kafka"
    ports: Mapping[str, int | None] = {"kafka": None, "kafka-controller": None}
    depends_on: Final[tuple[str, ...]] = ()
    ready_timeout_s: Final = 120.0

    def __init__(self, host: str = LOOPBACK) -> None:
        self._host = host

    def check(self, context: Context) -> None:
        find_java()
        if not maven.KAFKA_BROKER.is_resolved(context.place.cache_dir):
            find_maven()

    def prepare(self, context: Context) -> Launch:
        java = find_java()
        jars = maven.resolve(maven.KAFKA_BROKER, context.place.cache_dir)
        home = context.place.data(self.name)
        home.mkdir(parents=True, exist_ok=True)
        properties = home / "server.properties"
        properties.write_text(
            _PROPERTIES.format(
                host=self._host,
                broker=context.ports["kafka"],
                controller=context.ports["kafka-controller"],
                data=home / "log",
                largest=MAX_MESSAGE_BYTES,
            )
        )
        if not (home / "log" / "meta.properties").exists():
            self._format(java, jars, properties)
        memory = [f"-Xms{_HEAP}", f"-Xmx{_HEAP}", "-XX:+UseG1GC", "-XX:MaxDirectMemorySize=128m"]
        argv = [
            *_java(java, jars, *memory, "-XX:+ExitOnOutOfMemoryError"),
            "kafka.Kafka",
            str(properties),
        ]
        # What a user set for another Kafka must not reach this one.
        env = {key: value for key, value in os.environ.items() if not key.startswith("KAFKA_")}
        return Launch(argv, env, home, stop_timeout_s=30.0)

    def _format(self, java: str, jars: Path, properties: Path) -> None:
        # As Kafka's random-uuid does, without a JVM for it; a leading dash would read as an option.
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
        quick = ("-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
        argv = [*_java(java, jars, *quick), "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
        run = subprocess.run(argv, capture_output=True, text=True, timeout=_FORMAT_TIMEOUT_S, check=False)
        if run.returncode != 0:
            raise StackError(f"Kafka could not format {properties.parent}: {(run.stdout + run.stderr)[-800:]}")

    def is_ready(self, context: Context) -> bool:
        # The port first: librdkafka would write each refused connection to the terminal.
        if not ports.is_open(context.ports["kafka"], self._host):
            return False
        client = AdminClient({"bootstrap.servers": self._address(context), "log_level": 0})
        try:
            cluster = client.describe_cluster(request_timeout=2.0).result(timeout=3.0)
        except (KafkaException, TimeoutError):
            return False
        return cluster.controller is not None

    def settings(self, context: Context) -> Mapping[str, str]:
        return {"FRAUD_KAFKA_BOOTSTRAP_SERVERS": self._address(context)}

    def _address(self, context: Context) -> str:
        return f"{self._host}:{context.ports['kafka']}"
