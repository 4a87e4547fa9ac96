"""Reads the log into the writer until it is told to stop, and starts again where a dependency was away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import structlog

from fraud_prevention.domain.errors import OffsetLost, Unavailable
from fraud_prevention.heartbeat import Heartbeat
from fraud_prevention.ports import OFFSET_BEGINNING, EventReader, TopicPartition
from storage_security.sink.writer import SinkWriter

_log = structlog.get_logger(__name__)
_POLL_S: Final = 1.0
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 15.0


class Backoff:
    """Pauses between attempts: doubling, bounded, back to the first after a success."""

    def __init__(self) -> None:
        self._pause_s = _FIRST_PAUSE_S

    def next_pause_s(self) -> float:
        pause_s = self._pause_s
        self._pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        return pause_s

    def reset(self) -> None:
        self._pause_s = _FIRST_PAUSE_S


class GroupReader(EventReader, Protocol):
    """A reader that shares partitions with others of its group."""

    def join(
        self, topics: Sequence[str], start: Callable[[Sequence[TopicPartition]], Mapping[TopicPartition, int]]
    ) -> None:
        """Read a share of the topics; `start` is asked where, each time that partitions come. Does not block."""

    def tell(self) -> None:
        """Let those who watch the group see how far it is. Does not block, and a failure changes nothing."""


class SinkLoop:
    """Runs in one thread. Sinks share the partitions of the log among them.

    open_reader: a new reader, not yet in the group.
    topics:      what is read.
    batch_size:  records written in one transaction at most.
    """

    def __init__(
        self,
        open_reader: Callable[[], GroupReader],
        topics: Sequence[str],
        writer: SinkWriter,
        heartbeat: Heartbeat,
        batch_size: int,
    ) -> None:
        self._open_reader = open_reader
        self._topics = topics
        self._writer = writer
        self._heartbeat = heartbeat
        self._batch_size = batch_size

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set; the batch under way is finished. Errors other than Unavailable end it."""
        backoff = Backoff()
        try:
            while not stop.is_set():
                try:
                    self._read(stop, backoff)
                except Unavailable as error:
                    self._heartbeat.stop()
                    pause_s = backoff.next_pause_s()
                    _log.warning("sink_waits", dependency=error.dependency, reason=error.reason, pause_s=pause_s)
                    stop.wait(pause_s)
        finally:
            self._heartbeat.stop()

    def _read(self, stop: threading.Event, backoff: Backoff) -> None:
        """From where the stores are; a new reader each time, so that what was read but not written is read again."""
        reader = self._open_reader()
        try:
            reader.join(self._topics, lambda partitions: start_offsets(partitions, self._writer.positions()))
            while not stop.is_set():
                try:
                    records = reader.poll_batch(self._batch_size, _POLL_S)
                except OffsetLost as error:
                    # The log has forgotten records that were never written here; go on with what it still has.
                    _log.error("records_expired", topic=error.topic, partition=error.partition, reason=str(error))
                    reader.seek(TopicPartition(error.topic, error.partition), OFFSET_BEGINNING)
                    continue
                written = self._writer.write(records)
                reader.tell()
                backoff.reset()
                self._heartbeat.beat()
                if written.bad:
                    _log.warning("records_refused", count=written.bad)
        finally:
            reader.close()


def start_offsets(
    partitions: Sequence[TopicPartition], stored: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """Where to read each partition from: the beginning where nothing was read before."""
    return {tp: stored.get(tp, OFFSET_BEGINNING) for tp in partitions}
