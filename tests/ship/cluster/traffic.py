"""Requests through the gateway, at once or at a steady rate, and what came back."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from ci_cd_testing_deployment.kubernetes.test_cluster.place import GATEWAY_IP

_TIMEOUT_S = 5.0
_CONNECTIONS = 8


@dataclass
class Answers:
    """How often each came: the version that answered (`answered` where none is named), a status, or an error's name."""

    counts: Counter[str] = field(default_factory=Counter)
    failed_at: list[float] = field(default_factory=list)
    """When requests failed, on the monotonic clock."""

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def failed(self) -> int:
        return len(self.failed_at)

    def share(self, version: str) -> float:
        return self.counts[version] / self.total


class Client:
    """One connection to the gateway, opened again where it was cut."""

    def __init__(self, host: str, headers: Mapping[str, str], path: str) -> None:
        self._headers, self._path = {"Host": host, **headers}, path
        self._connection = http.client.HTTPConnection(GATEWAY_IP, timeout=_TIMEOUT_S)

    def close(self) -> None:
        self._connection.close()

    def ask(self, answers: Answers) -> None:
        try:
            self._connection.request("GET", self._path, headers=self._headers)
            answer = self._connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            answers.counts[type(error).__name__] += 1
            answers.failed_at.append(time.monotonic())
            self._connection.close()
            return
        if answer.status != 200:
            answers.counts[str(answer.status)] += 1
            answers.failed_at.append(time.monotonic())
        else:
            version = re.match(r"version=(\S+)", text)
            answers.counts[version[1] if version else "answered"] += 1


def ask(host: str, times: int, path: str = "/", **headers: str) -> Answers:
    """Ask so many times, as fast as answers come; `X_Fraud_Bucket="07"` sends a header."""
    answers = Answers()
    sent = {name.replace("_", "-"): value for name, value in headers.items()}

    def work(share: int) -> None:
        with closing(Client(host, sent, path)) as client:
            for _ in range(share):
                client.ask(answers)

    connections = min(_CONNECTIONS, times)
    shares = [times // connections + (place < times % connections) for place in range(connections)]
    with ThreadPoolExecutor(connections) as workers:
        for done in [workers.submit(work, share) for share in shares]:
            done.result()
    return answers


class Steady:
    """Requests at a rate while the block runs, whatever the answers take: an open loop over several connections."""

    def __init__(self, host: str, rate_per_s: float, path: str = "/") -> None:
        self.answers = Answers()
        self.rate_per_s = rate_per_s
        self._host, self._path, self._step_s = host, path, _CONNECTIONS / rate_per_s
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(place,)) for place in range(_CONNECTIONS)]

    def _work(self, place: int) -> None:
        due = time.monotonic() + place * self._step_s / _CONNECTIONS
        with closing(Client(self._host, {}, self._path)) as client:
            while not self._end.wait(max(0.0, due - time.monotonic())):
                client.ask(self.answers)
                due += self._step_s

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()
