"""Topics and users of the brokers as Strimzi's objects, made from the contracts.

`python -m ci_cd_testing_deployment.kubernetes.kafka_objects` writes them into the components `strimzi` and `kafka-tls`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from config import ROOT
from fraud_prevention.domain.topics import MAX_MESSAGE_BYTES

CONTRACTS: Final = ROOT / "data-pipeline" / "contracts" / "topics"
COMPONENTS: Final = Path(__file__).with_name("components")
CLUSTER: Final = "fraudstream"
_NOTICE: Final = "# Made from the contracts: python -m ci_cd_testing_deployment.kubernetes.kafka_objects\n"
_DAY_MS: Final = 86_400_000

WORKLOAD_OF: Final = {
    "data_pipeline.produce": "producer",
    "data_pipeline.stream.job": "pipeline",
    "fraud_prevention.usecases.decide": "decision-api",
    # What people decide waits in PostgreSQL's outbox, and the sink sends it.
    "fraud_prevention.usecases.cases": "storage-sink",
    "fraud_prevention.usecases.labels": "storage-sink",
    "storage_security.sink": "storage-sink",
    "visualization_dashboard.backend.feed_consumer": "dashboard-api",
}
"""The workload that runs a producer or consumer of the contracts; tools that people run are not in it."""

_GROUPS: Final = {
    "pipeline": "fraudstream",
    "storage-sink": "storage-sink",
    "dashboard-api": "without-group",
}
"""The consumer group whose offsets a workload keeps or asks for."""

Manifest = dict[str, Any]


def contracts() -> list[Manifest]:
    """Every topic's contract, by name."""
    return [yaml.safe_load(path.read_text()) for path in sorted(CONTRACTS.glob("*.yaml"))]


def topics() -> Iterator[Manifest]:
    """One KafkaTopic for each contract. Replicas are the cluster's own default."""
    for contract in contracts():
        yield {
            **_head("KafkaTopic", contract["topic"], "kafka"),
            "spec": {
                "partitions": contract["partitions"],
                "config": {
                    "retention.ms": contract["retention_days"] * _DAY_MS,
                    "max.message.bytes": MAX_MESSAGE_BYTES,
                },
            },
        }


def users() -> Iterator[Manifest]:
    """One KafkaUser for each workload, who may do what the contracts say of it, and no more."""
    for workload in sorted(set(WORKLOAD_OF.values())):
        rules = [
            _allow("topic", contract["topic"], operations)
            for contract in contracts()
            if (operations := _operations(workload, contract))
        ]
        if group := _GROUPS.get(workload):
            rules.append(_allow("group", group, ["Describe", "Read"]))
        yield {
            **_head("KafkaUser", workload, workload),
            "spec": {"authentication": {"type": "tls"}, "authorization": {"type": "simple", "acls": rules}},
        }


def _operations(workload: str, contract: Manifest) -> list[str]:
    sides = {"Read": "consumers", "Write": "producers"}
    found = [name for name, side in sides.items() if workload in {WORKLOAD_OF.get(module) for module in contract[side]}]
    return ["Describe", *found] if found else []


def _allow(kind: str, name: str, operations: list[str]) -> Manifest:
    return {"resource": {"type": kind, "name": name, "patternType": "literal"}, "operations": operations}


def _head(kind: str, name: str, label: str) -> Manifest:
    labels = {
        "strimzi.io/cluster": CLUSTER,
        "app.kubernetes.io/name": label,
        "app.kubernetes.io/part-of": "fraudstream",
    }
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "fraudstream", "labels": labels},
    }


def rendered() -> dict[Path, str]:
    """The text of each file that is made."""
    return {
        COMPONENTS / "strimzi" / "topics.yaml": _NOTICE + yaml.safe_dump_all(topics(), sort_keys=False),
        COMPONENTS / "kafka-tls" / "users.yaml": _NOTICE + yaml.safe_dump_all(users(), sort_keys=False),
    }


if __name__ == "__main__":
    for path, text in rendered().items():
        path.write_text(text)
