"""Command line of the test cluster."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final

from ci_cd_testing_deployment.kubernetes.test_cluster import addons, binaries, broker, cluster, crds, images, relay
from ci_cd_testing_deployment.kubernetes.test_cluster.binaries import binary
from ci_cd_testing_deployment.kubernetes.test_cluster.errors import ClusterError
from ci_cd_testing_deployment.kubernetes.test_cluster.place import KUBECONFIG
from ci_cd_testing_deployment.kubernetes.test_cluster.processes import inside
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import say
from ci_cd_testing_deployment.local.errors import StackError

USAGE: Final = """\
usage: python -m ci_cd_testing_deployment.kubernetes.test_cluster COMMAND

  crds                 definitions of the operators into .cache/ship/k8s/crds, one file per operator
  build core           Kubernetes itself, which `up` needs
  build addons         and what a cluster brings along: names, volumes, metrics, policies, gateway, delivery
  build spark          and the operator that runs Spark's jobs
  up [control]         start the cluster; `control`: without a node, for objects and their admission
  definitions          make the operators' kinds known to it, which `addons` does as well
  addons               start the add-ons in it
  load [IMAGE...]      images of the container engine for the node: by default the product's and its stores'
  spark                start the operator of Spark's jobs in it
  kafka                start an empty Kafka at 198.18.0.1:9092, where pods reach it
  exec COMMAND...      run a command in the cluster's network with the administrator's rights, as `kubectl get pods`
  forward PORT [TARGET]   an address of the cluster (the gateway without one) on this machine's 127.0.0.1:PORT
  forward --in PORT    this machine's 127.0.0.1:PORT for pods, at the node's address
  down                 stop the cluster and everything in it; binaries and images stay

FRAUD_SHIP_CACHE names another folder than .cache/ship, relative to the repository's root or absolute.
"""
_PARTS: Final = ("core", "addons", "spark")


def _build(part: str) -> None:
    if part not in _PARTS:
        raise ClusterError(f"there is no part {part}: one of {', '.join(_PARTS)}")
    binaries.build_kubernetes()
    for name in _PARTS[: _PARTS.index(part) + 1]:
        images.archives(name)
    say(f"{part} is built")


def _up(kind: str = "node") -> None:
    binaries.build_kubernetes()
    cluster.up(with_node=kind != "control")


def _exec(*command: str) -> None:
    kubernetes = binary("kubectl").parent
    environment = {**os.environ, "KUBECONFIG": str(KUBECONFIG), "PATH": f"{kubernetes}:{os.environ['PATH']}"}
    words = inside(command)
    os.execvpe(words[0], words, environment)  # noqa: S606 - takes the place of this process, so that signals reach it


def _forward(first: str, second: str = "") -> None:
    if first == "--in":
        relay.bring_in(int(second))
    elif second:
        relay.bring_out(int(first), second)
    else:
        relay.bring_out(int(first))


COMMANDS: Final[dict[str, Callable[..., None]]] = {
    "addons": addons.apply,
    "build": _build,
    "crds": crds.fetch,
    "definitions": addons.apply_definitions,
    "down": cluster.down,
    "exec": _exec,
    "kafka": broker.start_kafka,
    "load": images.load_from_engine,
    "spark": addons.apply_spark_operator,
    "forward": _forward,
    "up": _up,
}


def main(arguments: list[str]) -> int:
    """Run one command; the exit status of a script."""
    if not arguments or arguments[0] not in COMMANDS:
        sys.stderr.write(USAGE)
        return 2
    try:
        COMMANDS[arguments[0]](*arguments[1:])
    except (ClusterError, StackError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
