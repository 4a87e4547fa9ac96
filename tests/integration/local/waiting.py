"""A process that runs and is never ready, and a wait for a condition."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from ci_cd_testing_deployment.local.place import Context
from ci_cd_testing_deployment.local.process import Launch

LIMIT_S: Final = 30.0


class NeverReady:
    """A service that starts and stays silent."""

    name: Final = "never-ready"
    ports: Final[Mapping[str, int | None]] = {}
    depends_on: Final[tuple[str, ...]] = ()

    def __init__(self, ready_timeout_s: float = LIMIT_S, command: tuple[str, ...] = ("sleep", "600")) -> None:
        self._command = command
        self.ready_timeout_s = ready_timeout_s

    def check(self, context: Context) -> None:
        pass

    def prepare(self, context: Context) -> Launch:
        return Launch(self._command, dict(os.environ), context.place.run_dir)

    def is_ready(self, context: Context) -> bool:  # noqa: ARG002 — the port's signature
        return False

    def settings(self, context: Context) -> Mapping[str, str]:  # noqa: ARG002 — the port's signature
        return {}


def wait_for(condition: Callable[[], object]) -> None:
    """Until the condition holds; fails after LIMIT_S."""
    deadline = time.monotonic() + LIMIT_S
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        pause.wait(0.05)
