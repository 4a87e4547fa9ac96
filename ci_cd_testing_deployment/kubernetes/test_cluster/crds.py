"""Custom resource definitions of the operators, as their published packages carry or generate them.

One file per operator, `.cache/ship/k8s/crds/OPERATOR.yaml`. What no package has is named in `NOT_PROVEN`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ci_cd_testing_deployment.kubernetes.test_cluster.place import CRDS, HERE, WORK
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import module_folder, run, say
from ci_cd_testing_deployment.local.maven import JarSet, resolve
from ci_cd_testing_deployment.local.prerequisites import find_java


@dataclass(frozen=True, slots=True)
class InModule:
    """Definitions that lie in a Go module, as files that match the pattern."""

    module: str
    files: str


_INSTALLED: Final = "config/crd/bases/*.yaml"
OPERATORS: Final = {
    "cert-manager": InModule("github.com/cert-manager/cert-manager@v1.21.2", "deploy/crds/*.yaml"),
    "cloudnative-pg": InModule("github.com/cloudnative-pg/cloudnative-pg@v1.28.1", _INSTALLED),
    "external-secrets": InModule(
        "github.com/external-secrets/external-secrets@v1.3.2", "config/crds/bases/*external-secrets.io_*.yaml"
    ),
    "flagger": InModule("github.com/fluxcd/flagger@v1.44.0", "artifacts/flagger/crd.yaml"),
    "gateway-api": InModule("sigs.k8s.io/gateway-api@v1.6.1", "config/crd/standard/*.yaml"),
    "keda": InModule("github.com/kedacore/keda/v2@v2.21.0", _INSTALLED),
    "prometheus-operator": InModule(
        "github.com/prometheus-operator/prometheus-operator@v0.85.0", "example/prometheus-operator-crd/*.yaml"
    ),
    "spark-operator": InModule("github.com/kubeflow/spark-operator/v2@v2.5.2", _INSTALLED),
}

STRIMZI: Final = JarSet(HERE / "strimzi" / "pom.xml", "strimzi-jars")
_MODEL: Final = "io.strimzi.api.kafka.model"
_STRIMZI_CLASSES: Final = (
    f"{_MODEL}.kafka.Kafka",
    f"{_MODEL}.nodepool.KafkaNodePool",
    f"{_MODEL}.topic.KafkaTopic",
    f"{_MODEL}.user.KafkaUser",
    f"{_MODEL}.rebalance.KafkaRebalance",
)

NOT_PROVEN: Final = {
    "k8ssandra": "the module proxy has neither k8ssandra-operator nor a cass-operator that the checksum database knows",
}
"""Operators whose definitions no published package carries, and why."""


def _stamp() -> str:
    return hashlib.sha256(repr(OPERATORS).encode() + STRIMZI.pom.read_bytes() + Path(__file__).read_bytes()).hexdigest()


def fetch() -> None:
    """Write all definitions; at once where they are there for these versions."""
    stamp = CRDS / ".stamp"
    if stamp.exists() and stamp.read_text() == _stamp():
        return
    CRDS.mkdir(parents=True, exist_ok=True)
    for name, source in OPERATORS.items():
        say(f"definitions of {name}")
        found = sorted(module_folder(source.module).glob(source.files))
        _write(name, [path.read_text() for path in found])
    say("definitions of strimzi")
    _write("strimzi", _generate_strimzi())
    stamp.write_text(_stamp())


def _write(name: str, documents: list[str]) -> None:
    (CRDS / f"{name}.yaml").write_text(
        "".join(f"---\n{text.strip().removeprefix('---').strip()}\n" for text in documents)
    )


def _generate_strimzi() -> list[str]:
    jars = resolve(STRIMZI, WORK)
    made = {name: WORK / "strimzi" / f"{name.rpartition('.')[2]}.yaml" for name in _STRIMZI_CLASSES}
    run(
        [find_java(), "-cp", f"{jars}/*", "io.strimzi.crdgenerator.CrdGenerator", "--yaml", "--target-kube", "1.25+"]
        + [f"{name}={path}" for name, path in made.items()],
        timeout_s=300,
    )
    return [path.read_text() for path in made.values()]
