"""What the stream served on real servers is what the meter recomputes; a vector that was changed is found."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
import pytest
import redis
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from prometheus_client.parser import text_string_to_metric_families

from config import IngestSettings, KafkaSettings, ModelSettings, RedisSettings, StreamSettings
from data_pipeline.stream.bootstrap import make_runner, stream_config
from data_pipeline.stream.ports import Ports
from data_pipeline.stream.record_cache import RecordCache
from data_pipeline.stream.runner import Runner
from data_pipeline.stream.work import work
from fraud_prevention.domain.topics import AUTHORISATIONS, FEATURES, LABELS, TRANSACTIONS
from model.features.catalogue import index_of
from storage_security.kafka.bulk_writer import BulkWriter
from storage_security.kafka.range_reader import RangeReader
from storage_security.redis.customer_store import RedisCustomerStore
from storage_security.redis.entity_store import RedisEntityStore
from storage_security.redis.exchange import RedisExchange
from storage_security.redis.plan_store import RedisPlanStore
from tests.fixtures.events import transactions
from tests.fixtures.sided import side_payloads
from tests.fixtures.stream import StreamBench

COUNT = 2_000
ALTERED = "merchant_txn_count_24h"
METER = [sys.executable, "-c", "from ci_cd_testing_deployment.cli.main import app; app(prog_name='fraud')", "skew"]
Payload = dict[str, Any]


@contextmanager
def _lite() -> Iterator[Runner]:
    """The stream without Spark, in this process."""
    kafka, store, stream = KafkaSettings(), RedisSettings(), StreamSettings()
    config = stream_config(kafka, store, ModelSettings(), IngestSettings(), stream)
    with redis.Redis.from_url(store.url) as client, closing(RangeReader(kafka)) as reader:
        ports = Ports(
            reader,
            BulkWriter(kafka),
            RedisCustomerStore(client),
            RedisEntityStore(client),
            RedisExchange(client),
            RedisPlanStore(client),
            RecordCache(1 << 20),
        )
        yield make_runner(config, kafka, stream, partial(work, replace(config.work, ports=lambda: ports)))


def _send(bench: StreamBench, topic: str, payloads: list[Payload]) -> None:
    bench.send(((p["customer_id"], orjson.dumps(p)) for p in payloads), topic)


def _serve(bench: StreamBench) -> None:
    """Two plans of the stream, each with half of the time."""
    payloads = transactions(COUNT, customers=60, seed=41, late_share=0, mean_gap_ms=600_000, terminals=10)
    labels, answers = side_payloads(payloads, seed=41, delay_ms=600_000)
    middle = payloads[COUNT // 2]["event_time"]
    with _lite() as runner:
        runner.start()
        for is_early in (True, False):
            _send(bench, TRANSACTIONS, [p for p in payloads if (p["event_time"] <= middle) is is_early])
            _send(bench, LABELS, [p for p in labels if (p["observed_at"] <= middle) is is_early])
            _send(bench, AUTHORISATIONS, [p for p in answers if (p["observed_at"] <= middle) is is_early])
            assert runner.step() > COUNT // 2
        assert runner.step() == 0


def _once() -> tuple[int, Payload]:
    """Exit code and result of one reading of the whole log."""
    argv = [*METER, "--once", "--share", "1"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout, done.stderr[-3_000:]
    return done.returncode, json.loads(done.stdout)


def _alter(bench: StreamBench) -> None:
    """Replace a partition of the served vectors by a copy in which one feature of one vector is another."""
    messages = [m for m in bench.messages(FEATURES) if m.partition() == 0]
    admin = AdminClient({"bootstrap.servers": bench.bootstrap})
    end = TopicPartition(FEATURES, 0, len(messages))
    for deleted in admin.delete_records([end]).values():
        deleted.result(30)
    records = [orjson.loads(m.value() or b"") for m in messages]
    records[len(records) // 2]["vector"][index_of(ALTERED)] += 1
    _send(bench, FEATURES, records)


@pytest.mark.timeout(300)  # three starts of the command on a busy machine
def test_served_vectors_are_recomputed_and_a_changed_one_is_found(skew_bench: StreamBench) -> None:
    _serve(skew_bench)
    unchanged = {"compared": COUNT, "mismatched_vectors": 0, "features": {}, "unmatched": {}}
    assert _once() == (0, unchanged)

    _alter(skew_bench)
    assert _once() == (1, {**unchanged, "mismatched_vectors": 1, "features": {ALTERED: 1}})

    _check_metrics(skew_bench)


def _check_metrics(bench: StreamBench) -> None:
    """The command that goes on says the same to Prometheus, and ends when it is told to."""
    argv = [*METER, "--share", "1", "--port", "0", "--every-s", "0.1"]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, env=os.environ) as meter:
        assert meter.stderr is not None
        try:
            url = next(found[0] for line in meter.stderr if (found := re.search(r"http://\S+", line)))
            bench.wait_until(lambda: sum(_samples(url, "fraud_skew_vectors_compared_total")) == COUNT, "every vector")
            assert sum(_samples(url, "fraud_skew_feature_mismatches_total")) == 1
            assert sum(_samples(url, "fraud_skew_lag_records")) == 0
            meter.send_signal(signal.SIGTERM)
            rest = meter.stderr.read()
        finally:
            meter.kill()
    assert meter.returncode == 0, rest
    assert "feature skew" in rest
    assert ALTERED in rest


def _samples(url: str, name: str) -> list[float]:
    """Values of the metric's series."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 — of the loopback
        families = text_string_to_metric_families(answer.read().decode())
    return [sample.value for family in families for sample in family.samples if sample.name == name]
