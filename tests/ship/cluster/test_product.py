"""The product's own images, by its own manifests: migrated, deciding with history, stored, shown, scaled and taken back."""

from __future__ import annotations

import http.client
import time

import pytest

from ci_cd_testing_deployment.kubernetes.test_cluster.errors import CommandFailed
from ci_cd_testing_deployment.kubernetes.test_cluster.kubectl import get
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import wait_until
from storage_security.postgres.migrate import head
from tests.ship.cluster import product
from tests.ship.cluster.product import HOST, NAMESPACE, in_namespace
from tests.ship.cluster.traffic import Steady

pytestmark = [pytest.mark.usefixtures("released"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def decision() -> str:
    """Path of a decision that the API knows."""
    decided = product.decide(product.transaction(0, f"known-{time.time_ns()}"))
    return f"/v1/decisions/{decided['transaction_id']}"


def reaches(deployment: str, host: str, port: int) -> bool:
    """Whether a pod of the deployment can open a connection."""
    code = f"import socket; socket.create_connection(('{host}', {port}), 3).close()"
    try:
        in_namespace("exec", f"deployment/{deployment}", "--", "python", "-ISc", code)
    except CommandFailed:
        return False
    return True


def test_the_schema_is_there_before_anything_that_reads_it() -> None:
    assert product.query("SELECT version_num FROM alembic_version") == [head()]
    for deployment in product.DEPLOYMENTS:
        found = get("deployment", deployment, f"--namespace={NAMESPACE}")
        assert found["status"]["readyReplicas"] == found["spec"]["replicas"], deployment
        for pod in get("pods", f"--namespace={NAMESPACE}", f"--selector=app.kubernetes.io/name={deployment}")["items"]:
            assert sum(status["restartCount"] for status in pod["status"]["containerStatuses"]) == 0, deployment


def test_a_decision_through_the_gateway_reaches_the_database() -> None:
    body = product.transaction(1, f"stored-{time.time_ns()}")
    decided = product.decide(body)
    assert decided["transaction_id"] == body["transaction_id"]
    assert decided["model_version"].startswith("hgb-")
    assert product.decide(body) == decided, "asked again, the same answer"
    name = body["transaction_id"]
    stored = f"SELECT outcome FROM decisions WHERE transaction_id = '{name}'"  # noqa: S608 - the name is made above
    wait_until(lambda: product.query(stored) == [decided["outcome"]], "the sink has written the decision", 60, step_s=1)


def test_the_dashboard_shows_its_page() -> None:
    address = get("service", "dashboard-web", f"--namespace={NAMESPACE}")["spec"]["clusterIP"]
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": "dashboard-web"})
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    assert answer.status == 200
    assert "<html" in text


def test_only_declared_pairs_may_talk() -> None:
    assert reaches("storage-sink", "postgres", 5432)
    assert reaches("decision-api", "redis", 6379)
    assert not reaches("dashboard-api", "redis", 6379)
    assert not reaches("storage-sink", "dashboard-api", 80)


def test_a_bad_version_of_the_api_gets_no_request_and_goes_back(decision: str, figures: dict[str, object]) -> None:
    """A version that never becomes ready takes nobody's place; the way back needs no new pod."""
    with Steady(HOST, 50, decision) as traffic:
        in_namespace("set", "env", "deployment/decision-api", "FRAUD_MODEL_DIRECTORY=/nowhere")
        with pytest.raises(CommandFailed, match="timed out"):
            in_namespace("rollout", "status", "deployment/decision-api", "--timeout=20s")
        began = time.monotonic()
        in_namespace("rollout", "undo", "deployment/decision-api")
        in_namespace("rollout", "status", "deployment/decision-api", "--timeout=120s")
    figures["undo_s"] = round(time.monotonic() - began, 1)
    assert traffic.answers.failed == 0, traffic.answers.counts


def test_a_roll_out_of_the_api_fails_no_request(decision: str, figures: dict[str, object]) -> None:
    with Steady(HOST, 100, decision) as traffic:
        began = time.monotonic()
        in_namespace("rollout", "restart", "deployment/decision-api")
        in_namespace("rollout", "status", "deployment/decision-api", "--timeout=180s")
        figures["api_roll_out_s"] = round(time.monotonic() - began, 1)
    figures["api_roll_out_requests"] = traffic.answers.total
    assert traffic.answers.failed == 0, traffic.answers.counts


def test_load_scales_the_api(decision: str, figures: dict[str, object]) -> None:
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "decision-api", "namespace": NAMESPACE},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "decision-api"},
            "minReplicas": 1,
            "maxReplicas": 2,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
                }
            ],
            "behavior": {"scaleUp": {"stabilizationWindowSeconds": 0}},
        },
    }
    product.apply(scaler)

    def pods() -> int:
        return int(get("deployment", "decision-api", f"--namespace={NAMESPACE}")["status"].get("readyReplicas", 0))

    assert pods() == 1
    began = time.monotonic()
    with Steady(HOST, 200, decision):
        wait_until(lambda: pods() == 2, "a second pod answers", 150, step_s=1)
    figures["api_scaled_s"] = round(time.monotonic() - began, 1)
    in_namespace("delete", "horizontalpodautoscaler", "decision-api")
    in_namespace("scale", "deployment/decision-api", "--replicas=1")
