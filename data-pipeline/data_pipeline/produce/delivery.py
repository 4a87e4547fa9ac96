"""Hands records to a log, with patience for a full queue, and counts those that it has acknowledged."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Final

from fraud_prevention.domain.errors import Unavailable
from fraud_prevention.ports import EventLog

FULL_QUEUE_WAIT_S: Final = 30.0  # how long a full queue may refuse before the sender gives up
_DRAIN_S: Final = 1.0


class Delivery:
    """Belongs to one thread; acknowledgements may come from any.

    Counts acknowledgements itself: a flush while the queue is full also reports, and so forgets, what has failed.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._given = 0
        self._lock = threading.Lock()
        self._acknowledged = 0
        self._failure: Exception | None = None

    @property
    def failure(self) -> str | None:
        """Why the first record that failed did."""
        return None if self._failure is None else str(self._failure)

    def send(self, topic: str, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]] | None = None) -> None:
        """Hand one record over. Raises Unavailable where the queue stays full for half a minute."""
        self._given += 1
        deadline_s = time.monotonic() + FULL_QUEUE_WAIT_S
        while True:
            try:
                self._log.publish(topic, key, value, headers, self._on_ack)
            except Unavailable:
                # A full queue empties as the broker acknowledges; a broker that is away does not.
                if time.monotonic() >= deadline_s:
                    raise
                self._log.flush(_DRAIN_S)
            else:
                return

    def finish(self, timeout_s: float) -> int:
        """Wait for the acknowledgements; how many of the records given to `send` have none."""
        self._log.flush(timeout_s)
        with self._lock:
            return self._given - self._acknowledged

    def _on_ack(self, error: Exception | None) -> None:
        with self._lock:
            if error is None:
                self._acknowledged += 1
            elif self._failure is None:
                self._failure = error
