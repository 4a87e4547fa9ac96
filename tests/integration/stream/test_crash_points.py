"""A stream that ends after any call to the outside leaves, in the end, what an undisturbed one does, byte for byte."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from functools import partial
from typing import cast

import numpy as np
import orjson
import pytest

from config import RedisSettings
from data_pipeline.stream.relearn import relearn
from data_pipeline.stream.work import work
from fraud_prevention.domain.errors import (
    NotFound,
    PlanLost,
    StateCorrupt,
    StateFenced,
    StateLost,
    StateMisplaced,
    Unavailable,
)
from fraud_prevention.domain.topics import ALERTS, AUTHORISATIONS, DECISIONS, FEATURES, LABELS, TRANSACTIONS
from model.features.catalogue import index_of
from model.features.entities.engine import unwritten
from model.features.entities.kinds import KINDS
from model.features.entities.merge import fold_all
from model.features.entities.record import Room, pack, unpack
from model.features.record import DECLINED_BASE, ENTRY, FRAUD_BASE, HEADER, WINDOW_MS
from storage_security.redis import record_store
from storage_security.redis.client import connect
from storage_security.redis.entity_store import RedisEntityStore
from storage_security.redis.exchange import RedisExchange
from tests.fixtures.events import START_MS, transactions
from tests.fixtures.stream_runs import LOG, PARTITIONS, Bundles, Crash, Fuse, MemoryLog, Run, feed, partition_of

COUNT = 4_000


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    return Bundles(tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="module")
def log() -> MemoryLog:
    return feed(COUNT, seed=5)


@pytest.fixture(autouse=True)
def small_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several calls to the server for each write, or no crash could fall between them; nobody waits long in vain."""
    monkeypatch.setattr("data_pipeline.stream.shared_entities.BARRIER_TIMEOUT_S", 5.0)
    monkeypatch.setattr(record_store, "_KEYS_PER_CALL", 40)
    monkeypatch.setattr(record_store, "_KEYS_PER_ROUND", 80)


@pytest.fixture
def store(request: pytest.FixtureRequest) -> RedisSettings:
    """An empty Redis, one server unless a test asks for a cluster."""
    if getattr(request, "param", "server") == "server":
        return RedisSettings(url=request.getfixturevalue("redis_url"))
    found = request.getfixturevalue("redis_cluster")
    assert isinstance(found, RedisSettings)
    return found


on_both = pytest.mark.parametrize("store", ["server", "cluster"], indirect=True)


@pytest.fixture
def calm(bundles: Bundles, log: MemoryLog, store: RedisSettings) -> Run:
    """An undisturbed run."""
    return finished(Run(bundles, log, store))


def finished(run: Run) -> Run:
    assert run.live()
    return run


class Left:
    """What a run has left, kept while its database is used again."""

    def __init__(self, run: Run) -> None:
        self.state, self.contents, self.plans = run.state(), run.contents(), run.plans


def assert_equal(run: Run, left: Left) -> None:
    assert run.state() == left.state
    found = run.contents()
    assert found.keys() == left.contents.keys()
    for topic, expected in left.contents.items():
        assert found[topic] == expected, topic


def test_an_undisturbed_run_decides_everything(calm: Run) -> None:
    found = calm.contents()
    assert len(found[DECISIONS]) == len(found[FEATURES]) == COUNT
    assert len(calm.outputs[DECISIONS]) == COUNT
    assert len(found[TRANSACTIONS + ".dlq"]) > 50
    assert found[ALERTS].keys() < found[DECISIONS].keys()
    assert len(calm.plans) > 4


def test_a_cluster_holds_what_one_server_does(
    calm: Run, bundles: Bundles, log: MemoryLog, redis_cluster: RedisSettings
) -> None:
    assert_equal(finished(Run(bundles, log, redis_cluster)), Left(calm))


def test_a_second_run_is_equal(calm: Run, bundles: Bundles, log: MemoryLog) -> None:
    left = Left(calm)
    assert_equal(finished(Run(bundles, log, calm.store)), left)


@on_both
def test_it_may_end_after_every_single_call(calm: Run, bundles: Bundles, log: MemoryLog) -> None:
    left = Left(calm)
    run = Run(bundles, log, calm.store)
    lives = 1
    while not run.live(Fuse(lives)):
        lives += 1
    assert lives > 20
    assert_equal(run, left)


@pytest.mark.parametrize("seed", range(6))
def test_it_may_end_at_random_again_and_again(calm: Run, bundles: Bundles, log: MemoryLog, seed: int) -> None:
    left = Left(calm)
    rng = random.Random(seed)
    total = Fuse()
    assert Run(bundles, log, calm.store).live(total)
    run = Run(bundles, log, calm.store)
    crashes = 0
    while not run.live(Fuse(rng.randrange(1, total.calls // 2)) if crashes < 30 else None):
        crashes += 1
    assert_equal(run, left)


@on_both
def test_an_old_plan_worked_again_changes_nothing(calm: Run) -> None:
    state, sent = calm.state(), {topic: len(values) for topic, values in calm.outputs.items()}
    for plan in calm.plans[:-1]:
        with pytest.raises((PlanLost, StateFenced)):
            work(calm.config(calm.ports(Fuse())), plan)
        assert calm.state() == state
        assert {topic: len(values) for topic, values in calm.outputs.items()} == sent
    work(calm.config(calm.ports(Fuse())), calm.plans[-1])  # the last one may be repeated
    assert calm.state() == state
    calm.contents()


def test_a_runner_that_was_overtaken_at_any_call_changes_nothing(bundles: Bundles, store: RedisSettings) -> None:
    short = feed(2_000, seed=6, customers=60)
    left = Left(finished(Run(bundles, short, store)))
    stopped = 0
    for at in range(1, 10_000, 3):
        run = Run(bundles, short, store)
        fuse = Fuse(at, partial(run.live))
        try:
            runner = run.runner(fuse)
            runner.start()
            runner.step()
            runner.step()
        except (PlanLost, StateFenced, StateLost):
            stopped += 1
        finished(run)
        assert_equal(run, left)
        if fuse.calls < at:
            break
    assert stopped > 20


@pytest.mark.parametrize("shares", [2, 3, 4])
def test_tasks_side_by_side_leave_what_one_does(calm: Run, bundles: Bundles, log: MemoryLog, shares: int) -> None:
    left = Left(calm)
    run = Run(bundles, log, calm.store)
    assert run.live(worker=run.by_shares(shares))
    assert_equal(run, left)


@pytest.mark.parametrize("failing", [0, 1])
def test_tasks_that_are_repeated_leave_the_same(
    calm: Run, bundles: Bundles, log: MemoryLog, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_pipeline.stream.shared_entities.BARRIER_TIMEOUT_S", 0.3)
    left = Left(calm)
    run = Run(bundles, log, calm.store)
    crashes = 0
    for at in range(3, 120, 4):
        fuses = [Fuse(at) if share == failing else Fuse() for share in range(2)]
        try:
            if run.live(worker=run.by_shares(2, fuses)):
                break
        except Unavailable:  # the task that waits in vain may be the first to say so
            pass
        crashes += 1
    assert run.live(worker=run.by_shares(2))
    assert crashes > 5
    assert_equal(run, left)


@pytest.mark.parametrize(("before", "after"), [(4, 2), (2, 4)])
def test_a_plan_may_be_repeated_by_another_number_of_tasks(
    bundles: Bundles, store: RedisSettings, before: int, after: int
) -> None:
    """As after a restart on a machine with fewer cores. One task of the repeat is slow to begin."""
    short = feed(700, seed=7, customers=60)  # one plan
    left = Left(finished(Run(bundles, short, store)))
    run = Run(bundles, short, store)
    gate = threading.Barrier(before)

    class Ended(RedisEntityStore):
        """All tasks end when each has handed over, before one has written."""

        def read(self, keys: Sequence[bytes]) -> list[bytes | None]:  # noqa: ARG002 — as the store has it
            gate.wait(10)
            raise Crash

    assert not run.live(worker=run.by_shares(before, entities=Ended))
    has_taken_over = threading.Event()

    class Taking(RedisExchange):
        def take_over(self, stage: str, number: int, share: int, shares: int) -> list[bytes]:
            found = super().take_over(stage, number, share, shares)
            has_taken_over.set()
            return found

    first = run.by_shares(after, exchange=Taking, before_share_0=lambda: has_taken_over.wait(1.0))
    assert run.live(worker=first)
    assert_equal(run, left)


@on_both
def test_a_wiped_store_is_lost_and_says_what_to_do(calm: Run) -> None:
    with connect(calm.store) as client:
        client.flushdb()
    with pytest.raises(StateLost, match="fraud state rebuild"):
        calm.runner(Fuse()).start()
    assert calm.state() == {}


def test_a_store_wiped_under_a_runner_stops_it(calm: Run) -> None:
    runner = calm.runner(Fuse())
    runner.start()
    with connect(calm.store) as client:
        client.flushdb()
    calm.log = calm.log.copy()
    calm.log.send(TRANSACTIONS, "c", b"{}")
    with pytest.raises(PlanLost):
        runner.step()


def test_an_old_store_that_was_put_back_is_caught_up(bundles: Bundles, log: MemoryLog, store: RedisSettings) -> None:
    """As after a backup: the plan in it is older than what the stream has said since."""
    run = Run(bundles, log, store)
    runner = run.runner(Fuse())
    runner.start()
    runner.step()
    runner.step()
    with connect(store) as client:
        backup = {key: cast("bytes", client.dump(key)) for key in client.scan_iter(count=10_000)}
    left = Left(finished(run))
    with connect(store) as client:
        client.flushdb()
        for key, value in backup.items():
            client.restore(key, 0, value)
    assert_equal(finished(run), left)


# --- a lost state, built again from the log ---


def learn_again(run: Run, fuse: Fuse | None = None) -> int:
    """As `fraud state rebuild --from-log`, after the store has been cleared."""
    ports = run.ports(fuse or Fuse())
    by = partial(work, run.config(ports))
    return relearn(ports.plans, run, by, LOG, run.bundles.name, run.limit, lambda _done, _all: None)


def wiped(run: Run) -> Run:
    with connect(run.store) as client:
        client.flushdb()
    return run


def without_writer(state: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Records as the next plan will find them, as if nobody had written them: whatever the plans were that did."""
    shared = [key for key in state if key.startswith(b"fe:")]
    none = np.zeros(len(shared), np.int64)
    records = unpack([state[key] for key in shared], Room(none, none))
    letters = [kind.letter for kind in KINDS]
    fold_all(records, np.array([letters.index(key[8:9]) for key in shared], np.uint8))
    found = dict(zip(shared, unwritten(pack(records)), strict=True))
    return found | {key: live_entries(state[key]) for key in state if key.startswith(b"fs:")}


def live_entries(record: bytes) -> bytes:
    """Of a customer's record, what counts."""
    entries = np.frombuffer(record, ENTRY, offset=HEADER.itemsize).copy()
    entries["flags"] &= ~np.uint8(DECLINED_BASE | FRAUD_BASE)
    newest = entries["event_time"].max(initial=0)
    return bytes(entries[entries["event_time"] > newest - WINDOW_MS].tobytes())


def test_a_state_learned_from_the_log_goes_on_as_if_nothing_had_happened(
    bundles: Bundles, log: MemoryLog, store: RedisSettings
) -> None:
    whole = Left(finished(Run(bundles, log, store)))
    run = Run(bundles, log, store)
    runner = run.runner(Fuse())
    runner.start()
    for _ in range(3):
        runner.step()
    before = run.state()
    sent = {topic: list(values) for topic, values in run.outputs.items()}
    assert learn_again(wiped(run)) == sum(map(sum, run.commits[-1].values()))
    assert run.outputs == sent, "what is learned again is not decided again"
    assert without_writer(run.state()) == without_writer(before)
    finished(run)
    assert without_writer(run.state()) == without_writer(whole.state)
    found = run.contents()
    for topic in (DECISIONS, FEATURES, ALERTS):
        assert found[topic].keys() == whole.contents[topic].keys()
    for name, vector in whole.contents[FEATURES].items():
        assert orjson.loads(found[FEATURES][name])["vector"] == orjson.loads(vector)["vector"], name


@pytest.mark.parametrize("prefix", [b"fs:", b"fe:"])
def test_the_way_back_from_a_later_layout_is_to_learn_the_log_again(
    bundles: Bundles, log: MemoryLog, store: RedisSettings, prefix: bytes
) -> None:
    """A later version has run and has written records that this one does not know."""
    whole = Left(finished(Run(bundles, log, store)))
    run = Run(bundles, log, store)
    runner = run.runner(Fuse())
    runner.start()
    for _ in range(3):
        runner.step()
    before = run.state()
    sent = {topic: list(values) for topic, values in run.outputs.items()}
    with connect(store) as client:
        for key, record in before.items():
            if key.startswith(prefix):
                client.set(key, bytes([record[0] + 1]) + record[1:])  # layouts begin with their number
    late = run.state()
    with pytest.raises(StateCorrupt, match="fraud state rebuild"):
        run.live()
    assert run.state() == late, "what is not understood is left alone"
    assert run.outputs == sent
    learn_again(wiped(run))
    assert without_writer(run.state()) == without_writer(before)
    finished(run)
    assert without_writer(run.state()) == without_writer(whole.state)


def test_a_stream_does_not_start_on_half_of_a_rebuild(bundles: Bundles, log: MemoryLog, store: RedisSettings) -> None:
    run = finished(Run(bundles, log, store))
    with pytest.raises(Crash):
        learn_again(wiped(run), Fuse(12))
    with pytest.raises(StateLost, match="--from-log"):
        run.runner(Fuse()).start()
    learn_again(wiped(run))
    finished(run)


def test_without_a_stream_before_there_is_nothing_to_learn(
    bundles: Bundles, log: MemoryLog, store: RedisSettings
) -> None:
    with pytest.raises(NotFound, match="nothing to rebuild"):
        learn_again(Run(bundles, log, store))


# --- labels and answers ---


def _later_features(bundles: Bundles, store: RedisSettings, *, is_told: bool) -> dict[str, float]:
    """Features of a customer's last payment, whose first one was declined and is known to be fraud, or not."""
    first, last = (
        {
            **transactions(1, customers=1, seed=8)[0],
            "transaction_id": name,
            "event_time": START_MS + after_ms,
            "terminal_id": "pos",
        }
        for name, after_ms in (("first", 0), ("last", 10 * 86_400_000))
    )
    log = MemoryLog()
    run = Run(bundles, log, store)
    customer = first["customer_id"]
    log.send(TRANSACTIONS, customer, orjson.dumps(first))
    finished(run)
    if is_told:
        told = {"transaction_id": "first", "customer_id": customer, "observed_at": START_MS + 86_400_000}
        log.send(AUTHORISATIONS, customer, orjson.dumps(told | {"result": "declined"}))
        places = {"merchant_id": first["merchant_id"], "terminal_id": "pos", "event_time": START_MS}
        log.send(LABELS, customer, orjson.dumps(told | places | {"is_fraud": True}))
        finished(run)
    log.send(TRANSACTIONS, customer, orjson.dumps(last))
    finished(run)
    vector = orjson.loads(run.contents()[FEATURES]["last"])["vector"]
    names = ("customer_known_fraud_count_30d", "customer_decline_share_30d", "merchant_delayed_fraud_count_28d",
             "terminal_last_known_is_fraud")  # fmt: skip
    return {name: vector[index_of(name)] for name in names}


def test_labels_and_declines_reach_features(bundles: Bundles, store: RedisSettings) -> None:
    untold = _later_features(bundles, store, is_told=False)
    told = _later_features(bundles, store, is_told=True)
    assert told["customer_known_fraud_count_30d"] == 1
    assert told["customer_decline_share_30d"] > 0
    assert told["merchant_delayed_fraud_count_28d"] >= 1
    assert told["terminal_last_known_is_fraud"] == 1
    assert all(untold[name] != value for name, value in told.items())


@pytest.mark.parametrize(
    "shares",
    [1, 4],
)
def test_a_label_in_another_partition_than_its_customer_harms_nobody(
    bundles: Bundles, store: RedisSettings, shares: int
) -> None:
    """It may stop the stream or be passed over, but no other customer's features may change."""
    log = feed(300, seed=9, customers=12)
    calm = finished(Run(bundles, log, store))
    left = Left(calm)
    payload = orjson.loads(log.held[TRANSACTIONS, 0][0].body or b"")
    customer = payload["customer_id"]
    label = {
        "transaction_id": payload["transaction_id"], "customer_id": customer, "event_time": payload["event_time"],
        "observed_at": payload["event_time"] + 1, "is_fraud": True,
    }  # fmt: skip
    log.send(LABELS, customer, orjson.dumps(label), (partition_of(customer) + 1) % PARTITIONS)
    run = Run(bundles, log, store)
    try:
        run.live(worker=run.by_shares(shares))
    except StateMisplaced:
        return
    found = run.contents()[FEATURES]
    for name, content in left.contents[FEATURES].items():
        one, other = orjson.loads(content), orjson.loads(found[name])
        assert one["vector"] == other["vector"] or one["customer_id"] == customer
