"""Whatever is delivered twice, in other cuts, or to two sinks at once is written once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, Engine, func, select, text

from config import ROOT
from fraud_prevention.domain import topics
from fraud_prevention.domain.case import Alert
from fraud_prevention.ports import Record, TopicPartition
from storage_security.postgres.positions import Positions
from storage_security.postgres.tables import metadata
from storage_security.sink.rows import TOPICS
from storage_security.sink.writer import SinkWriter

NOW_MS = 1_760_000_000_000
TOPIC_IDS = dict.fromkeys(TOPICS, "t1")
RECOUNT = text(
    "SELECT date_trunc('hour', decided_at, 'UTC'), outcome, count(*), sum(amount_base_minor)::bigint "
    "FROM decisions GROUP BY 1, 2 ORDER BY 1, 2"
)
SUMMARY = text("SELECT hour, outcome, decisions, amount_base_minor FROM fraud_summary ORDER BY 1, 2")


class NoCache:
    """An alert cache that only counts."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}

    def put(self, alerts: Sequence[tuple[Alert, bytes]]) -> None:
        self.entries |= {alert.transaction_id: payload for alert, payload in alerts}


@pytest.fixture
def make_writer(engine: Engine) -> Callable[[], SinkWriter]:
    return lambda: SinkWriter(engine, Positions("test", TOPIC_IDS), NoCache(), lambda: NOW_MS)


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(metadata.tables[table])).scalar_one())


def assert_summary_equals_a_recount(connection: Connection) -> None:
    assert connection.execute(SUMMARY).all() == connection.execute(RECOUNT).all()


def records(make: Callable[[int], tuple[str, dict[str, Any]]], n: int, topic: str) -> list[Record]:
    """`n` records with the offsets of their partition; a customer always goes to the same partition."""
    ends: dict[int, int] = {}
    found = []
    for i in range(n):
        customer, payload = make(i)
        partition = int(customer[1:]) % 3
        offset = ends.get(partition, 0)
        ends[partition] = offset + 1
        found.append(Record(topic, partition, offset, customer.encode(), orjson.dumps(payload), NOW_MS))
    return found


@pytest.fixture
def flow(decision: Callable[..., dict[str, Any]], alert: Callable[..., dict[str, Any]]) -> list[Record]:
    """300 decisions of 20 customers, every sixth of them an alert."""

    def a_decision(i: int) -> tuple[str, dict[str, Any]]:
        customer = f"c{i % 20}"
        outcome = "review" if i % 6 == 0 else "approve"
        return customer, decision(f"tx-{i}", customer, outcome=outcome, decided_at=NOW_MS + i * 60_000)

    def an_alert(i: int) -> tuple[str, dict[str, Any]]:
        customer = f"c{i * 6 % 20}"
        return customer, alert(f"tx-{i * 6}", customer)

    return records(a_decision, 300, topics.DECISIONS) + records(an_alert, 50, topics.ALERTS)


def test_redelivery_in_other_cuts_changes_nothing(
    engine: Engine, make_writer: Callable[[], SinkWriter], flow: list[Record]
) -> None:
    writer = make_writer()
    first = writer.write(flow[:200])
    again = writer.write(flow[50:])
    last = writer.write(flow)
    assert first.decisions + again.decisions == 300
    assert (last.decisions, last.alerts, last.skipped) == (0, 0, 350)
    assert count(engine, "fraud_alerts") == 50
    with engine.connect() as connection:
        assert_summary_equals_a_recount(connection)


def test_repeated_decision_under_a_new_offset_is_written_and_counted_once(
    engine: Engine, make_writer: Callable[[], SinkWriter], flow: list[Record]
) -> None:
    writer = make_writer()
    writer.write(flow)
    written = writer.write([record._replace(offset=record.offset + 1_000) for record in flow])
    assert (written.decisions, written.alerts, written.cases, written.skipped) == (0, 0, 0, 0)
    assert count(engine, "case_events") == 50
    with engine.connect() as connection:
        assert_summary_equals_a_recount(connection)


def test_case_is_opened_by_the_first_alert_also_where_it_is_repeated_in_the_batch(
    engine: Engine, make_writer: Callable[[], SinkWriter], alert: Callable[..., dict[str, Any]]
) -> None:
    payloads = [orjson.dumps(alert(f"tx-{i}", "c1")) for i in (0, 1, 0)]
    sent = [Record(topics.ALERTS, 0, offset, b"c1", payload, NOW_MS) for offset, payload in enumerate(payloads)]
    assert make_writer().write(sent).alerts == 2
    with engine.connect() as connection:
        opened = connection.execute(text("SELECT data->>'transaction_id' FROM case_events WHERE kind = 'opened'"))
        assert opened.scalars().all() == ["tx-0"]


def test_two_sinks_on_the_same_partitions_write_each_record_once(
    engine: Engine, make_writer: Callable[[], SinkWriter], flow: list[Record]
) -> None:
    chunks = [flow[i : i + 35] for i in range(0, len(flow), 35)]
    with ThreadPoolExecutor(2) as pool:
        sinks = [pool.submit(lambda w: [w.write(c) for c in chunks], make_writer()) for _ in range(2)]
        written = [w for sink in sinks for w in sink.result(timeout=120)]
    assert sum(w.decisions for w in written) == count(engine, "decisions") == 300
    assert sum(w.alerts for w in written) == count(engine, "fraud_alerts") == 50
    with engine.connect() as connection:
        assert_summary_equals_a_recount(connection)


def test_alerts_of_a_customer_share_one_open_case(
    engine: Engine, make_writer: Callable[[], SinkWriter], flow: list[Record]
) -> None:
    make_writer().write(flow)
    query = text(
        "SELECT c.customer_id, c.alert_count, count(*), c.version, sum(a.amount_base_minor) = "
        "c.amount_at_risk_base_minor FROM cases c JOIN fraud_alerts a USING (case_id) GROUP BY c.case_id"
    )
    with engine.connect() as connection:
        found = connection.execute(query).all()
        loose = connection.execute(text("SELECT count(*) FROM fraud_alerts WHERE case_id IS NULL")).scalar_one()
    assert loose == 0
    assert len(found) == 10
    assert all(row[1] == row[2] == row[3] and row[4] for row in found)
    assert count(engine, "outbox") == 50


def test_two_sinks_cannot_open_two_cases_for_a_customer(
    engine: Engine, make_writer: Callable[[], SinkWriter], alert: Callable[..., dict[str, Any]]
) -> None:
    """Same customers from different partitions, as after a change of the partition count."""

    def chunk(partition: int) -> list[Record]:
        values = [(f"c{i}", orjson.dumps(alert(f"tx-{partition}-{i}", f"c{i}"))) for i in range(40)]
        return [Record(topics.ALERTS, partition, i, c.encode(), v, NOW_MS) for i, (c, v) in enumerate(values)]

    with ThreadPoolExecutor(4) as pool:
        written = [pool.submit(make_writer().write, chunk(partition)) for partition in range(4)]
        assert sum(w.result(timeout=120).alerts for w in written) == 160
    assert count(engine, "cases") == 40
    with engine.connect() as connection:
        assert connection.execute(text("SELECT DISTINCT alert_count, version FROM cases")).all() == [(4, 4)]


def test_topic_that_was_created_anew_is_read_from_its_beginning(
    engine: Engine, make_writer: Callable[[], SinkWriter], flow: list[Record]
) -> None:
    make_writer().write(flow)
    anew = SinkWriter(engine, Positions("test", dict.fromkeys(TOPICS, "t2")), NoCache(), lambda: NOW_MS)
    assert anew.positions() == {}
    assert make_writer().positions()[TopicPartition(topics.ALERTS, 0)] > 0


def test_bad_record_is_counted_once_and_goes_to_the_dead_letters(
    engine: Engine, make_writer: Callable[[], SinkWriter]
) -> None:
    bad = [
        Record(topics.LABELS, 2, 41, b"c1", b'{"label_id": 7}', NOW_MS),
        Record(topics.DECISIONS, 1, 9, b"c1", b"\xff", NOW_MS),
    ]
    writer = make_writer()
    assert writer.write(bad).bad == 2
    with engine.connect() as connection:
        letters = connection.execute(text("SELECT topic, partition, log_offset, reason FROM dead_letters ORDER BY 1"))
        assert letters.all() == [(topics.DECISIONS, 1, 9, "not_json"), (topics.LABELS, 2, 41, "wrong_type")]
        sent = connection.execute(text("SELECT topic, payload FROM outbox")).all()
    assert [topic for topic, _ in sent] == ["labels.v1.dlq"]
    letter = orjson.loads(sent[0][1])
    assert (letter["topic"], letter["partition"], letter["offset"]) == (topics.LABELS, 2, 41)
    # What the sink sent comes back to it from the dead-letter topic.
    writer.write([Record("labels.v1.dlq", 0, 0, b"c1", sent[0][1].encode(), NOW_MS)])
    assert count(engine, "dead_letters") == 2


_KILLED = """
    import os, signal, sys
    from fraud_prevention.ports import Record
    from storage_security.postgres.engine import connect
    from storage_security.postgres.positions import Positions
    from storage_security.sink.rows import TOPICS
    from storage_security.sink.writer import SinkWriter

    class Deadly:
        def put(self, alerts):  # called after all rows were written, before the commit
            os.kill(os.getpid(), signal.SIGKILL)

    records = [Record(*item) for item in eval(sys.stdin.read())]
    positions = Positions("test", dict.fromkeys(TOPICS, "t1"))
    SinkWriter(connect(sys.argv[1]), positions, Deadly(), lambda: 0).write(records)
"""


def test_sink_killed_between_write_and_commit_loses_and_repeats_nothing(
    database: str, engine: Engine, make_writer: Callable[[], SinkWriter], flow: list[Record]
) -> None:
    text_of_records = repr([tuple(record) for record in flow]).encode()
    command = [sys.executable, "-c", textwrap.dedent(_KILLED), database]
    killed = subprocess.run(command, input=text_of_records, cwd=ROOT, env=dict(os.environ), check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert count(engine, "decisions") == 0
    written = make_writer().write(flow)
    assert (written.decisions, written.alerts, written.skipped) == (300, 50, 0)
    with engine.connect() as connection:
        assert_summary_equals_a_recount(connection)
