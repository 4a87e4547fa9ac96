"""The API as it is shipped: kill -9 in the middle, and a stop that finishes what is under way."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from fraud_prevention.domain import topics
from tests.integration.api.conftest import ApiProcess

Payload = dict[str, Any]
MakePayload = Callable[..., Payload]
OnLog = Callable[..., list[Payload]]
RETRY_FOR_S = 60.0


def post(url: str, payload: Payload) -> int | None:
    """The status, None where the connection broke."""
    try:
        return requests.post(f"{url}/v1/decisions", json=payload, timeout=20).status_code
    except requests.RequestException:
        return None


def post_until_answered(url: str, payload: Payload) -> int:
    """What a payment system does: the same request again until it is answered for good."""
    give_up_at = time.monotonic() + RETRY_FOR_S
    while (status := post(url, payload)) in {None, 409, 503}:
        assert time.monotonic() < give_up_at, f"{payload['transaction_id']} gets no answer"
        time.sleep(0.2)
    assert status is not None
    return status


def without_meta(decision: Payload) -> Payload:
    return {key: value for key, value in decision.items() if key != "meta"}


def test_kill_in_the_middle_loses_nothing_and_decides_each_id_once(
    api_process: ApiProcess, make_payload: MakePayload, on_log: OnLog
) -> None:
    payloads = [make_payload(customer_id=f"c-kill-{i % 20}") for i in range(200)]
    answered_before = threading.Semaphore(0)

    def send(payload: Payload) -> int:
        if post(api_process.url, payload) == 200:
            answered_before.release()
            return 200
        return post_until_answered(api_process.url, payload)

    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(send, payloads)
        for _ in range(50):
            assert answered_before.acquire(timeout=60)
        api_process.process.kill()
        api_process.process.wait(10)
        api_process.restart()
        assert set(answers) == {200}

    ids = {payload["transaction_id"] for payload in payloads}
    decided: dict[str, list[Payload]] = {}
    for decision in on_log(topics.DECISIONS, *ids):
        decided.setdefault(decision["transaction_id"], []).append(without_meta(decision))
    assert decided.keys() == ids
    # A repeat has equal content, so that a reader who drops repeats sees each id decided once.
    assert all(repeat == rows[0] for rows in decided.values() for repeat in rows[1:])
    accepted = Counter(row["transaction_id"] for row in on_log(topics.TRANSACTIONS, *ids))
    assert accepted.keys() == ids


def test_stop_finishes_the_requests_that_are_under_way(api_process: ApiProcess, make_payload: MakePayload) -> None:
    payloads = [make_payload() for _ in range(40)]
    first_answer = threading.Event()

    def send(payload: Payload) -> int | None:
        status = post(api_process.url, payload)
        if status == 200:
            first_answer.set()
        return status

    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(send, payloads)
        assert first_answer.wait(60)
        assert api_process.stop() == 0
        # Answered, or never taken: no request ends with a failure of the service.
        assert set(answers) <= {200, None}
