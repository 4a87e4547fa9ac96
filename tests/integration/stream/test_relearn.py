"""A lost state, built again from the log."""

from __future__ import annotations

from functools import partial

import numpy as np
import orjson
import pytest

from config import RedisSettings
from data_pipeline.stream.relearn import relearn
from data_pipeline.stream.work import work
from fraud_prevention.domain.errors import (
    NotFound,
    StateCorrupt,
    StateLost,
)
from fraud_prevention.domain.topics import ALERTS, DECISIONS, FEATURES
from model.features.entities.engine import unwritten
from model.features.entities.kinds import KINDS
from model.features.entities.merge import fold_all
from model.features.entities.record import Room, pack, unpack
from model.features.record import DECLINED_BASE, ENTRY, FRAUD_BASE, HEADER, WINDOW_MS
from storage_security.redis.client import KEY_LAYOUT, connect
from tests.fixtures.stream_outcomes import Left, finished
from tests.fixtures.stream_runs import LOG, Bundles, Crash, Fuse, MemoryLog, Run

pytestmark = pytest.mark.usefixtures("small_calls")


def learn_again(run: Run, fuse: Fuse | None = None) -> int:
    """As `fraud state rebuild --from-log`, after the store has been cleared."""
    ports = run.ports(fuse or Fuse())
    by = partial(work, run.config(ports))
    return relearn(ports.plans, run, by, LOG, run.bundles.name, run.limit, lambda _done, _all: None)


def begun(run: Run) -> Run:
    """After three plans."""
    runner = run.runner(Fuse())
    runner.start()
    for _ in range(3):
        runner.step()
    return run


def sent_by(run: Run) -> dict[str, list[bytes]]:
    """What it has sent so far."""
    return {topic: list(values) for topic, values in run.outputs.items()}


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
    run = begun(Run(bundles, log, store))
    before, sent = run.state(), sent_by(run)
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
    run = begun(Run(bundles, log, store))
    before, sent = run.state(), sent_by(run)
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


def test_keys_of_another_layout_are_not_taken_for_customers_without_a_past(
    bundles: Bundles, log: MemoryLog, store: RedisSettings
) -> None:
    """As the version before has left them."""
    run = begun(Run(bundles, log, store))
    sent = sent_by(run)
    with connect(store) as client:
        client.rename(f"fraud:{{stream}}:plan:{KEY_LAYOUT}", "fraud:{stream}:plan")
    with pytest.raises(StateLost, match="--from-log"):
        run.live()
    assert run.outputs == sent
    learn_again(wiped(run))
    finished(run)
