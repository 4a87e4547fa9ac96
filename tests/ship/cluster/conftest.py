"""What the tests on the cluster share: that there is one, and namespaces of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci_cd_testing_deployment.kubernetes.test_cluster import addons, broker
from ci_cd_testing_deployment.kubernetes.test_cluster.kubectl import kubectl
from ci_cd_testing_deployment.kubernetes.test_cluster.place import NETWORK
from ci_cd_testing_deployment.kubernetes.test_cluster.processes import is_running
from storage_security.kafka.admin import ensure_topics
from tests.ship.cluster import product

_HERE = Path(__file__).parent
_CURE = "ci_cd_testing_deployment/kubernetes/test.sh starts one"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of the folder needs the cluster."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.ship)


_FIGURES: dict[str, object] = {}


@pytest.fixture(scope="session")
def figures() -> dict[str, object]:
    """What was measured; printed as one line of JSON at the end."""
    return _FIGURES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures, after the list of skips."""
    if _FIGURES:
        terminalreporter.write_line(json.dumps(_FIGURES, sort_keys=True))


@pytest.fixture(scope="session", autouse=True)
def _cluster() -> None:
    if not NETWORK.exists() or not is_running("apiserver"):
        pytest.skip(f"no test cluster is running: {_CURE}")


@pytest.fixture(scope="session")
def node() -> None:
    """There is a node that runs pods."""
    if not is_running("kubelet"):
        pytest.skip(f"the test cluster has no node: {_CURE} with one")


@pytest.fixture(scope="module")
def restricted_namespace(request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the module, where Pod Security is as strict as in the product's."""
    name = request.module.__name__.rpartition(".")[2].replace("_", "-")
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    kubectl("apply", "--filename=-", stdin=json.dumps(namespace))
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def released(node: None) -> None:  # noqa: ARG001 - a fixture that has to come first
    """The product runs from its own images, released in the order of a release."""
    wanted = product.documents()
    missing = product.missing_images(wanted)
    if missing:
        pytest.skip(f"the node has no image {', '.join(missing)}: {_CURE} with them")
    ensure_topics(broker.ADDRESS)
    product.release(wanted)


@pytest.fixture(scope="session")
def spark_operator(released: None) -> None:  # noqa: ARG001 - it is given what was released
    """The operator of Spark's jobs works, from the stream's own image."""
    addons.apply_spark_operator()
