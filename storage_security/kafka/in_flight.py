"""Counts records between their publication and their acknowledgement, for the writers of this package."""

from __future__ import annotations

import threading

from fraud_prevention.domain.errors import Unavailable
from fraud_prevention.ports import AckCallback


class InFlight:
    """How many records wait, and how many failed since the last flush. Safe between threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting = 0
        self._failed = 0

    @property
    def waiting(self) -> int:
        """Records without an answer yet."""
        return self._waiting

    def add(self) -> None:
        """A record sets out."""
        with self._changed:
            self._waiting += 1

    def withdraw(self) -> None:
        """It never left: the client refused it."""
        self._settle(failed=False)

    def settle(self, on_ack: AckCallback | None, error: Unavailable | None) -> None:
        """It was acknowledged or given up; a flush returns only after its callback has ended."""
        try:
            if on_ack is not None:
                on_ack(error)
        finally:
            self._settle(failed=error is not None)

    def _settle(self, *, failed: bool) -> None:
        with self._changed:
            self._waiting -= 1
            self._failed += failed
            if self._waiting == 0:
                self._changed.notify_all()

    def wait(self, timeout_s: float) -> int:
        """Wait until none is in flight; how many are not in the log (still waiting, or failed since the last call)."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting == 0, max(0.0, timeout_s))
            failed, self._failed = self._failed, 0
            return self._waiting + failed
