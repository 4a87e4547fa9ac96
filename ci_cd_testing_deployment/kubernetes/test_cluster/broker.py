"""The local stack's Kafka in the cluster's network, at the node's address, where pods reach it."""

from __future__ import annotations

import shutil
from typing import Final

from ci_cd_testing_deployment.kubernetes.test_cluster.place import KAFKA_PORTS, NODE_IP, WORK
from ci_cd_testing_deployment.kubernetes.test_cluster.processes import inside, start
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import succeeds, wait_until
from ci_cd_testing_deployment.local.kafka_server import KafkaServer
from ci_cd_testing_deployment.local.place import Context, Place
from config import CACHE_DIR

ADDRESS: Final = f"{NODE_IP}:{KAFKA_PORTS['kafka']}"


def start_kafka() -> None:
    """Start it empty; returns when it listens."""
    place = Place(WORK / "kafka", CACHE_DIR)
    shutil.rmtree(place.run_dir, ignore_errors=True)
    launch = KafkaServer(NODE_IP).prepare(Context(place, KAFKA_PORTS, {}))
    start("kafka", launch.argv)
    is_open = inside(["socat", "-u", "OPEN:/dev/null", f"TCP:{ADDRESS}"])
    wait_until(lambda: succeeds(is_open), "Kafka listens", KafkaServer.ready_timeout_s)
