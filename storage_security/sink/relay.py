"""Sends what waits in the outbox to the log: at least once, in order for each key, marked after the acknowledgement.

A crash between acknowledgement and mark sends a message again with the same id, which readers drop.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Engine

from fraud_prevention.domain.errors import Unavailable
from fraud_prevention.ports import EventLog
from storage_security.postgres import outbox
from storage_security.postgres.engine import availability
from storage_security.sink.loop import Backoff

_log = structlog.get_logger(__name__)
BATCH: Final = 500
_IDLE_S: Final = 0.25
_PRUNE_EVERY_ROUNDS: Final = 10_000


class OutboxRelay:
    """Runs in one thread. `ack_timeout_s` bounds the wait for the log's acknowledgements."""

    def __init__(self, engine: Engine, log: EventLog, ack_timeout_s: float) -> None:
        self._engine = engine
        self._log = log
        self._ack_timeout_s = ack_timeout_s

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set. Errors other than Unavailable end it."""
        backoff = Backoff()
        rounds = 0
        while not stop.is_set():
            try:
                if rounds % _PRUNE_EVERY_ROUNDS == 0:
                    outbox.prune(self._engine)
                rounds += 1
                sent = self.send_once()
            except Unavailable as error:
                pause_s = backoff.next_pause_s()
                _log.warning("relay_waits", dependency=error.dependency, reason=error.reason, pause_s=pause_s)
                stop.wait(pause_s)
                continue
            backoff.reset()
            if sent < BATCH:
                stop.wait(_IDLE_S)

    def send_once(self) -> int:
        """Send up to `BATCH` messages; returns how many were acknowledged, 0 where another relay is at work.

        What was not acknowledged stays in the outbox. Raises Unavailable where that is all of it.
        """
        with availability(), self._engine.begin() as connection:
            if not outbox.take_turn(connection):
                return 0
            messages = outbox.waiting(connection, BATCH)
            acknowledged = self._publish(messages)
            outbox.mark_sent(connection, acknowledged)
        if messages and not acknowledged:
            raise Unavailable("kafka", f"{len(messages)} messages were not acknowledged")
        return len(acknowledged)

    def _publish(self, messages: list[outbox.WaitingMessage]) -> list[int]:
        acknowledged: list[int] = []

        def confirm(outbox_id: int, error: Exception | None) -> None:
            if error is None:
                acknowledged.append(outbox_id)

        for message in messages:
            try:
                on_ack = partial(confirm, message.outbox_id)
                self._log.publish(message.topic, message.key, message.value, on_ack=on_ack)
            except Unavailable:
                break  # its queue is full; what follows stays for the next round
        self._log.flush(self._ack_timeout_s)
        return list(acknowledged)
