"""SQL for each event: a consumer that selects the history, inserts the event and commits, one event at a time.

Written from the description of a public design, in its favour: an index, one query for all features, one commit.
"""

from __future__ import annotations

from typing import Final

import orjson
import psycopg2
from confluent_kafka import Consumer, KafkaException, Producer

from ci_cd_testing_deployment.performance_testing.peers.job import Job

_SCHEMA: Final = """
create table if not exists peer_events (
    transaction_id text primary key,
    customer_id text not null,
    event_time bigint not null,
    amount bigint not null,
    card_token text not null,
    merchant_id text not null
);
create index if not exists peer_events_customer on peer_events (customer_id, event_time)
"""
_SELECT: Final = """
select
    count(*) filter (where is_card and age < 3600000),
    count(*) filter (where is_card and age < 86400000),
    coalesce(sum(amount) filter (where is_card and age < 86400000), 0)::bigint,
    coalesce(sum(amount) filter (where is_card), 0)::bigint,
    count(*) filter (where is_card),
    coalesce(max(amount) filter (where is_card), -1),
    coalesce(min(age) filter (where is_card), -1000),
    count(distinct merchant_id) filter (where is_card and age < 86400000),
    coalesce(bool_and(merchant_id <> %(merchant_id)s), true)
from (
    select amount, merchant_id, %(event_time)s - event_time as age, card_token = %(card_token)s as is_card
    from peer_events
    where customer_id = %(customer_id)s
      and event_time > %(event_time)s - 2592000000 and event_time <= %(event_time)s
) as earlier
"""
_INSERT: Final = """
insert into peer_events
values (%(transaction_id)s, %(customer_id)s, %(event_time)s, %(amount_base_minor)s, %(card_token)s, %(merchant_id)s)
on conflict do nothing
"""
_POLL_S: Final = 1.0


def run(job: Job) -> None:
    """Follow the source, one event after the other, until the benchmark ends the process."""
    consumer = Consumer(
        {"bootstrap.servers": job.bootstrap_servers, "group.id": "peer-sql", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([job.source])
    producer = Producer({"bootstrap.servers": job.bootstrap_servers, "compression.type": "lz4"})
    connection = psycopg2.connect(job.postgres_dsn)
    with connection, connection.cursor() as cursor:
        cursor.execute(_SCHEMA)
    cursor = connection.cursor()
    while True:
        message = consumer.poll(_POLL_S)
        producer.poll(0)
        if message is None:
            continue
        if (error := message.error()) is not None:
            raise KafkaException(error)
        event = orjson.loads(message.value() or b"null")
        cursor.execute(_SELECT, event)
        row = cursor.fetchone()
        assert row is not None, "an aggregate has one row"
        count_1h, count_24h, sum_24h, total, count, largest, since_ms, merchants, is_new = row
        mean = total / count if count else -1.0
        numbers = [count_1h, count_24h, sum_24h, mean, largest, since_ms / 1000, merchants, is_new]
        cursor.execute(_INSERT, event)
        connection.commit()
        output = {"transaction_id": event["transaction_id"], "features": [float(number) for number in numbers]}
        producer.produce(job.sink, orjson.dumps(output), key=message.key())


if __name__ == "__main__":
    run(Job.from_environment())
