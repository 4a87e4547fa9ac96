"""Waiting, within a time budget, until the log has acknowledged a group of records."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from fraud_prevention.domain.errors import Unavailable
from fraud_prevention.policy.assemble import Emission
from fraud_prevention.ports import EventLog


class _Acknowledgements:
    """Counts acknowledgements that arrive from any thread."""

    def __init__(self, expected: int) -> None:
        self._missing = expected
        self._error: Exception | None = None
        self._changed = threading.Condition()

    def __call__(self, error: Exception | None) -> None:
        with self._changed:
            self._missing -= 1
            self._error = self._error or error
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._missing <= 0 or self._error is not None, max(0.0, timeout_s))
            if self._error is not None:
                raise Unavailable("kafka", str(self._error)) from self._error
            if self._missing > 0:
                raise Unavailable("kafka", f"{self._missing} records were not acknowledged in time")


def publish_durably(log: EventLog, emissions: Sequence[Emission], timeout_s: float) -> None:
    """Publish the records and return when every in-sync replica has them.

    Raises Unavailable when that takes longer than `timeout_s` or one fails; some may be on the log then.
    """
    acknowledgements = _Acknowledgements(len(emissions))
    for emission in emissions:
        log.publish(emission.topic, emission.key, emission.value, on_ack=acknowledgements)
    acknowledgements.wait(timeout_s)
