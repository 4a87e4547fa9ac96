"""The live feed: one writer, many readers, and nobody can hold the writer up.

The hub keeps the newest events for pages that have just been opened. Each client has a bounded queue; a client
that reads too slowly loses approvals first, then the oldest of the rest, and is told how many.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from fraud_prevention.domain.errors import Unavailable

PING_S: Final = 10.0
# A stream ends after this time and the browser reconnects where it was; a lost client cannot hold a thread for ever.
MAX_STREAM_S: Final = 600.0
MAX_APPROVALS_PER_S: Final = 20
RECONNECT_MS: Final = 2_000


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """`kind` is the event's name on the wire, `data` its JSON text."""

    sequence: int
    kind: str
    data: bytes
    is_approval: bool

    def to_wire(self) -> bytes:
        return b"id: %d\nevent: %s\ndata: %s\n\n" % (self.sequence, self.kind.encode(), self.data)


class ClientQueue:
    """Bounded, for one client. `put` never blocks."""

    def __init__(self, size: int, backlog: Iterable[FeedEvent]) -> None:
        self._size = size
        self._events: deque[FeedEvent] = deque(backlog)
        self._approvals = sum(e.is_approval for e in self._events)
        self._changed = threading.Condition()
        self._is_closed = False
        self.dropped = 0

    def put(self, event: FeedEvent) -> None:
        with self._changed:
            if len(self._events) >= self._size:
                self.dropped += 1
                if event.is_approval:
                    return
                self._make_room()
            self._events.append(event)
            self._approvals += event.is_approval
            self._changed.notify()

    def _make_room(self) -> None:
        if not self._approvals:
            self._events.popleft()
            return
        victim = next(i for i, e in enumerate(self._events) if e.is_approval)
        del self._events[victim]
        self._approvals -= 1

    def get(self, timeout_s: float) -> FeedEvent | None:
        """The oldest event, or None after the time-out or when the queue was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._is_closed, timeout_s)
            if not self._events:
                return None
            event = self._events.popleft()
            self._approvals -= event.is_approval
            return event

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._events.clear()
            self._approvals = 0
            self._changed.notify_all()


class FeedStream:
    """The body of one client's response: an iterator of event-stream blocks that gives its place back when closed."""

    def __init__(
        self, queue: ClientQueue, on_close: Callable[[ClientQueue], None], clock_s: Callable[[], float]
    ) -> None:
        self._queue = queue
        self._on_close = on_close
        self._clock_s = clock_s
        self._pinged_at = clock_s()
        self._ends_at = self._pinged_at + MAX_STREAM_S
        self._has_begun = False

    def __iter__(self) -> FeedStream:
        return self

    def __next__(self) -> bytes:
        if not self._has_begun:
            self._has_begun = True
            return b"retry: %d\n\n" % RECONNECT_MS
        now_s = self._clock_s()
        if self._queue.is_closed or now_s >= self._ends_at:
            raise StopIteration
        # Before the next event: a client that is always behind has one waiting, and must learn of its losses too.
        wait_s = min(PING_S, self._pinged_at + PING_S - now_s)
        event = self._queue.get(wait_s) if wait_s > 0 else None
        if event is not None:
            return event.to_wire()
        if self._queue.is_closed:
            raise StopIteration
        return self._ping()

    def _ping(self) -> bytes:
        self._pinged_at = self._clock_s()
        ping = orjson.dumps({"at": int(self._pinged_at * 1000), "dropped": self._queue.dropped})
        return b"event: ping\ndata: %s\n\n" % ping

    def close(self) -> None:
        """Called by the server when the client is gone. May be called twice."""
        self._queue.close()
        self._on_close(self._queue)


class FeedHub:
    """Fans events out. `publish` is called by one thread, `stream` by many.

    `ring_size` events are kept for new clients, `max_clients` streams are served at once. `clock_s` is the wall clock.
    Ids count on from the ms of the start: those from before a restart are smaller than all that follow it, as long as
    fewer than a thousand events a second were sent.
    """

    def __init__(self, ring_size: int, max_clients: int, clock_s: Callable[[], float]) -> None:
        self._lock = threading.Lock()
        self._stopped: deque[FeedEvent] = deque(maxlen=ring_size)
        self._approved: deque[FeedEvent] = deque(maxlen=ring_size)
        self._clients: set[ClientQueue] = set()
        self._ring_size = ring_size
        self._max_clients = max_clients
        self._clock_s = clock_s
        self._sequence = int(clock_s() * 1000)
        self._approval_second = 0
        self._approvals_in_second = 0

    def publish(self, kind: str, payload: Callable[[], Any], is_approval: bool = False) -> None:
        """Hand an event to every client. Never blocks; approvals above the sampling rate are left out.

        `payload` makes the event's JSON value, and is called only for an event that would be sent; with None nothing is.
        """
        if is_approval and not self._admits_approval():
            return
        value = payload()
        if value is None:
            return
        data = orjson.dumps(value)
        with self._lock:
            self._sequence += 1
            event = FeedEvent(self._sequence, kind, data, is_approval)
            (self._approved if is_approval else self._stopped).append(event)
            clients = tuple(self._clients)
        for client in clients:
            client.put(event)

    def stream(self, after: int | None = None) -> FeedStream:
        """A new client's stream: what is kept, then what happens. `after` is the id of the last event that it has.

        A client that has an event of this process gets what came after it, as far as it is kept. One whose id is older
        than what is kept, or from before a restart, gets all that is kept; and so does one whose id is newer than
        ours, because the clock was set back. Raises Unavailable where `max_clients` are connected.
        """
        with self._lock:
            if len(self._clients) >= self._max_clients:
                raise Unavailable("feed", f"{self._max_clients} pages are connected already")
            kept = sorted((*self._stopped, *self._approved), key=lambda e: e.sequence)[-self._ring_size :]
            seen = after if after is not None and after <= self._sequence else 0
            queue = ClientQueue(2 * self._ring_size, (e for e in kept if e.sequence > seen))
            self._clients.add(queue)
        return FeedStream(queue, self._forget, self._clock_s)

    @property
    def client_count(self) -> int:
        return len(self._clients)

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        with self._lock:
            clients = tuple(self._clients)
        for client in clients:
            client.close()

    def _forget(self, queue: ClientQueue) -> None:
        with self._lock:
            self._clients.discard(queue)

    def _admits_approval(self) -> bool:
        second = int(self._clock_s())
        if second != self._approval_second:
            self._approval_second, self._approvals_in_second = second, 0
        self._approvals_in_second += 1
        return self._approvals_in_second <= MAX_APPROVALS_PER_S
