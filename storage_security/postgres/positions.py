"""How far each consumer has read. These rows, not the broker's group offsets, are the truth of a sink."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from fraud_prevention.ports import TopicPartition
from storage_security.postgres.tables import sink_offsets

START: Final = 0


class Positions:
    """Of one consumer. `topic_ids` tells a topic from an earlier one of the same name."""

    def __init__(self, consumer: str, topic_ids: Mapping[str, str]) -> None:
        self._consumer = consumer
        self._topic_ids = dict(topic_ids)

    def load(self, connection: Connection) -> dict[TopicPartition, int]:
        """Next offset of each partition that was read before."""
        query = select(sink_offsets).where(sink_offsets.c.consumer == self._consumer)
        return {
            TopicPartition(row.topic, row.partition): row.next_offset
            for row in connection.execute(query)
            if self._topic_ids.get(row.topic) == row.topic_id
        }

    def hold(self, connection: Connection, partitions: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Next offsets of these partitions, locked until the transaction ends.

        A second sink on the same partitions waits here, and then sees what the first one has written. Partitions
        are locked in one order, so that two sinks don't block each other.
        """
        wanted = sorted(partitions)
        rows = [{**self._key(tp), "next_offset": START} for tp in wanted]
        connection.execute(insert(sink_offsets).on_conflict_do_nothing(), rows)
        columns = (sink_offsets.c.topic, sink_offsets.c.topic_id, sink_offsets.c.partition)
        keys = [(tp.topic, self._topic_ids[tp.topic], tp.partition) for tp in wanted]
        query = (
            select(sink_offsets)
            .where(sink_offsets.c.consumer == self._consumer, tuple_(*columns).in_(keys))
            .order_by(*columns)
            .with_for_update()
        )
        return {TopicPartition(r.topic, r.partition): r.next_offset for r in connection.execute(query)}

    def save(self, connection: Connection, next_offsets: Mapping[TopicPartition, int]) -> None:
        """Of held partitions."""
        rows = [{**self._key(tp), "next_offset": offset} for tp, offset in sorted(next_offsets.items())]
        statement = insert(sink_offsets)
        primary = ["consumer", "topic", "topic_id", "partition"]
        new = {"next_offset": statement.excluded.next_offset}
        connection.execute(statement.on_conflict_do_update(index_elements=primary, set_=new), rows)

    def _key(self, tp: TopicPartition) -> dict[str, str | int]:
        return {
            "consumer": self._consumer,
            "topic": tp.topic,
            "topic_id": self._topic_ids[tp.topic],
            "partition": tp.partition,
        }
