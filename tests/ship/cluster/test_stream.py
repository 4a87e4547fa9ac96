"""The stream as a SparkApplication under the real operator: it decides, and a roll-out takes over where the last run ended."""

from __future__ import annotations

import threading
import time
from typing import Any, Self

import orjson
import pytest
from confluent_kafka import Producer

from ci_cd_testing_deployment.kubernetes.test_cluster.broker import ADDRESS
from ci_cd_testing_deployment.kubernetes.test_cluster.kubectl import get
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import wait_until
from tests.fixtures.log import read_topic
from tests.ship.cluster import product
from tests.ship.cluster.product import NAMESPACE, in_namespace

pytestmark = [pytest.mark.usefixtures("released"), pytest.mark.timeout(900)]

RATE_PER_S = 20
CUSTOMERS = 50


class Feed:
    """Payments on the log, at a steady rate while the block runs."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        # As every producer of the product: a customer has one partition.
        placing = {"partitioner": "murmur2_random", "enable.idempotence": True}
        self._producer = Producer({"bootstrap.servers": ADDRESS, **placing})
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._prefix = f"fed-{time.time_ns()}"

    def _work(self) -> None:
        while not self._end.wait(1 / RATE_PER_S):
            number = len(self.ids)
            payload = product.transaction(number, f"{self._prefix}-{number % CUSTOMERS}")
            self._producer.produce("transactions.v1", orjson.dumps(payload), payload["customer_id"])
            self._producer.poll(0)
            self.ids.add(payload["transaction_id"])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        assert self._producer.flush(30) == 0

    def decisions(self) -> list[dict[str, Any]]:
        return read_topic(ADDRESS, "decisions.v1", set(self.ids))

    def wait_for_decisions(self, at_least: int) -> None:
        wait_until(lambda: len(self.decisions()) >= at_least, f"{at_least} decisions of the stream", 240, step_s=1)


def status() -> dict[str, Any]:
    found: dict[str, Any] = get("sparkapplication", "pipeline", f"--namespace={NAMESPACE}").get("status", {})
    return found


def wait_for_run(after: str = "") -> str:
    """The name of the run that is running and is not the one before."""

    def runs() -> bool:
        now = status()
        is_running = now.get("applicationState", {}).get("state") == "RUNNING"
        return is_running and now.get("submissionID") != after

    wait_until(runs, "the operator reports a run", 240, step_s=1)
    return str(status()["submissionID"])


def set_revision(revision: str) -> None:
    """A change of the spec, as a new image would be."""
    patch = f'{{"spec": {{"driver": {{"labels": {{"revision": "{revision}"}}}}}}}}'
    in_namespace("patch", "sparkapplication", "pipeline", "--type=merge", f"--patch={patch}")


@pytest.fixture(scope="module")
def first_run(spark_operator: None) -> str:  # noqa: ARG001 - it starts the run
    return wait_for_run()


def test_roll_outs_lose_nothing_and_decide_nothing_otherwise(first_run: str, figures: dict[str, object]) -> None:
    with Feed() as feed:
        feed.wait_for_decisions(100)
        runs = [first_run]
        for revision in ("next", "first"):  # there, and back
            began = time.monotonic()
            set_revision(revision)
            runs.append(wait_for_run(runs[-1]))
            so_far = len(feed.ids)
            feed.wait_for_decisions(so_far)
            figures[f"stream_roll_out_to_{revision}_s"] = round(time.monotonic() - began, 1)
    feed.wait_for_decisions(len(feed.ids))
    decisions = feed.decisions()
    contents = {orjson.dumps({name: value for name, value in d.items() if name != "meta"}) for d in decisions}
    figures["stream_transactions"], figures["stream_decisions"] = len(feed.ids), len(contents)
    figures["stream_repeated"] = len(decisions) - len(contents)
    # A run that is ended within a plan leaves it to the next one, which writes equal decisions again.
    assert len(contents) == len(feed.ids)
    assert {decision["transaction_id"] for decision in decisions} == feed.ids
    assert {decision["decided_by"] for decision in decisions} == {"stream"}


def test_history_of_the_stream_is_what_the_api_decides_with() -> None:
    with Feed() as feed:
        feed.wait_for_decisions(CUSTOMERS)
    customer = feed.decisions()[0]["customer_id"]
    decided = product.decide(product.transaction(1_000_000, customer))
    (logged,) = read_topic(ADDRESS, "decisions.v1", {decided["transaction_id"]})
    assert logged["decided_by"] == "api"
    assert logged["record_versions"]["customer"] >= 0, "it has read a record that the stream has written"
