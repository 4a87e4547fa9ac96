"""Features of merchants, terminals, devices and networks: against the oracle, however the log is cut and written."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fraud_prevention.domain.errors import StateCorrupt, StateFenced
from model.features import kernel
from model.features.catalogue import FEATURE_NAMES, SHARED
from model.features.codes import encode_table, entity_codes
from model.features.engine import DEFAULTS, Computed
from model.features.entities import engine as shared
from model.features.entities.kinds import DEVICE, KINDS, MERCHANT, NETWORK, TERMINAL
from model.features.entities.merge import MEETING, REPORT, PlanSpan, meetings_of, merge, places_of_meetings, touched
from model.features.entities.record import HEADER, pack, unpack
from model.features.replay_engines import Replay
from tests.fixtures.events import START_MS, as_table, transactions
from tests.fixtures.feature_oracle import Oracle, Outcome
from tests.fixtures.outcomes import outcomes_of, replay_with, reports_of
from tests.fixtures.shared_oracle import SharedOracle

HOUR, DAY = 3_600_000, 86_400_000
NAMES = FEATURE_NAMES[SHARED]
Payload = dict[str, Any]
Records = dict[tuple[int, int], bytes]


@dataclass(frozen=True)
class World:
    payloads: list[Payload]
    outcomes: list[Outcome]
    explained: dict[str, bool]

    def expected(self) -> list[dict[str, float]]:
        """What the oracle says of each payload."""
        oracle = SharedOracle(self.payloads, self.outcomes, self.explained)
        return [oracle.values(p) for p in self.payloads]


def world_of(payloads: list[Payload], seed: int) -> World:
    """Labels for the payloads, and what the customers' own histories say of them."""
    outcomes = outcomes_of(payloads, seed)
    oracle = Oracle(outcomes)
    for payload in payloads:
        oracle.add(payload)
    return World(payloads, outcomes, oracle.explained)


def shared_transactions(
    count: int, seed: int, *, late_share: float = 0.0, mean_gap_ms: int = 1_200_000
) -> list[Payload]:
    """Few devices and networks for many cards; bursts within seconds; some come a little out of order, some twice."""
    rng = random.Random(seed)
    payloads = transactions(count, customers=25, seed=seed, late_share=late_share, mean_gap_ms=mean_gap_ms, terminals=4)
    known: set[int] = set()
    previous = payloads[0]["event_time"]
    for payload in payloads:
        if rng.random() < 0.3:
            payload["event_time"] = previous + rng.randrange(1, 15_000)
        while payload["event_time"] in known:
            payload["event_time"] += 1
        known.add(payload["event_time"])
        previous = payload["event_time"]
        if "device_id" in payload:
            payload["device_id"] = f"dev-{rng.randrange(6)}"
        if "ip" in payload:
            payload["ip"] = rng.choice(
                [f"10.0.{rng.randrange(3)}.{rng.randrange(9)}", f"2001:db8:{rng.randrange(2)}::1"]
            )
    if not late_share:
        payloads.sort(key=lambda p: p["event_time"] + rng.randrange(0, 4_900))
    for at in rng.sample(range(1, count), count // 100):
        payloads[at] = payloads[at - 1]  # sent twice
    return payloads


def check(world: World, expected: list[dict[str, float]], found: Computed) -> None:
    """No difference from the oracle in any shared feature."""
    is_new = found.status == kernel.NEW
    assert is_new.sum() > 0.98 * len(is_new)
    assert not is_new.all()
    for i, payload in enumerate(world.payloads):
        if not is_new[i]:
            assert found.vectors[i].tolist() == DEFAULTS.tolist()
            continue
        values = dict(zip(NAMES, found.vectors[i, SHARED].tolist(), strict=True))
        assert values == {name: float(expected[i][name]) for name in NAMES}, payload["transaction_id"]
        assert bool(found.explained[i]) == world.explained[payload["transaction_id"]]


@pytest.fixture(scope="module")
def world() -> World:
    return world_of(shared_transactions(4_200, 41), 41)


@pytest.fixture(scope="module")
def expected(world: World) -> list[dict[str, float]]:
    return world.expected()


def test_the_world_is_worth_its_name(world: World, expected: list[dict[str, float]]) -> None:
    days = (world.payloads[-1]["event_time"] - world.payloads[0]["event_time"]) / DAY
    assert days > 40
    assert sum(world.explained.values()) > 500
    for name in NAMES:
        assert len({values[name] for values in expected}) > 1, name


@pytest.mark.parametrize("chunk_rows", [97, 1_000, 4_200])
def test_every_feature_equals_the_oracle_however_the_history_is_cut(
    world: World, expected: list[dict[str, float]], chunk_rows: int
) -> None:
    check(world, expected, replay_with(world.payloads, world.outcomes, chunk_rows))


def test_chunks_of_one_event_give_the_same_vectors(world: World) -> None:
    payloads = world.payloads[:1_500]
    whole = replay_with(payloads, world.outcomes, len(payloads))
    for chunk_rows in (1, 2, 13):
        assert np.array_equal(whole.vectors, replay_with(payloads, world.outcomes, chunk_rows).vectors)


def test_in_one_chunk_late_events_count_by_their_event_time() -> None:
    late = world_of(shared_transactions(1_500, 42, late_share=0.3, mean_gap_ms=2_500_000), 42)
    check(late, late.expected(), replay_with(late.payloads, late.outcomes, len(late.payloads)))


class Plans:
    """Writes plans into records, as the stream does, without customers."""

    def __init__(self) -> None:
        self.records: Records = {}

    def write(
        self, meetings: NDArray[np.void], reports: NDArray[np.void], span: PlanSpan, records: Records | None = None
    ) -> Records:
        """What the plan makes of the records it is about."""
        held = self.records if records is None else records
        target = touched(meetings, reports)
        keys = list(zip(target.kinds.tolist(), target.codes.tolist(), strict=True))
        after = merge([held.get(key) for key in keys], target, meetings, reports, span)
        return dict(zip(keys, pack(after), strict=True))


def meetings_in(payloads: list[Payload]) -> NDArray[np.void]:
    table = as_table(payloads)
    events = encode_table(table, np.arange(len(payloads)))
    explained = (events["transaction"] % 3 == 0).astype(np.uint8)
    return meetings_of(events, entity_codes(table), explained, np.ones(len(payloads), np.bool_))


def plans_of(seed: int) -> list[tuple[NDArray[np.void], NDArray[np.void], PlanSpan]]:
    """Six plans over 40 days; labels come up to twenty days after, some with the transaction, some before it."""
    payloads = shared_transactions(1_200, seed, mean_gap_ms=3_500_000)
    outcomes = outcomes_of(payloads, seed, fraud_share=0.4)
    early = [Outcome(p, p["event_time"], "label") for p in payloads[1_000::7]]
    found = []
    for start in range(0, 1_200, 200):
        part = payloads[start : start + 200]
        begin, end = part[0]["event_time"], part[-1]["event_time"]
        due = [o for o in outcomes if begin <= o.observed_at < end] + (early if start == 800 else [])
        found.append((meetings_in(part), reports_of(due), PlanSpan(7, 10 * start, 10 * start + 1_999)))
    return found


def test_a_plan_written_twice_or_by_halves_gives_the_same_bytes() -> None:
    plans = Plans()
    for meetings, reports, span in plans_of(43):
        before = dict(plans.records)
        once = plans.write(meetings, reports, span)
        assert once.items() - before.items()
        assert plans.write(meetings, reports, span, before | once) == once
        half = before | dict(list(once.items())[::2])
        assert plans.write(meetings, reports, span, half) == once
        plans.records |= once


@pytest.mark.parametrize("seed", [44, 45])
def test_a_plan_in_parts_and_in_any_order_gives_the_same_bytes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    plans = Plans()
    for meetings, reports, span in plans_of(seed):
        whole = plans.write(meetings, reports, span)
        parts = [(meetings[piece], reports[:0]) for piece in np.array_split(rng.permutation(len(meetings)), 5)]
        parts += [(meetings[:0], reports[piece]) for piece in np.array_split(rng.permutation(len(reports)), 4)]
        held = dict(plans.records)
        for at in rng.permutation(len(parts)):
            some_meetings, some_reports = parts[at]
            held |= plans.write(some_meetings, some_reports, span, held)
        assert held == plans.records | whole
        plans.records |= whole


def test_a_plan_of_nothing_changes_nothing() -> None:
    assert Plans().write(np.zeros(0, MEETING), np.zeros(0, REPORT), PlanSpan(7, 0, 1)) == {}


def test_an_older_plan_and_another_log_are_fenced_off() -> None:
    plans = Plans()
    (first, reports, span), (second, more, later), *_ = plans_of(46)
    plans.records |= plans.write(first, reports, span)
    plans.records |= plans.write(second, more, later)
    with pytest.raises(StateFenced, match="at offset 2000, this one starts at 0"):
        plans.write(first, reports, span)
    with pytest.raises(StateFenced):
        plans.write(second, more, PlanSpan(8, later.start, later.end))
    with pytest.raises(StateFenced):
        plans.write(second, more, PlanSpan(8, later.end, later.end + 1))


def test_records_of_a_rebuild_carry_on_where_history_ended_in_any_log() -> None:
    payloads = shared_transactions(600, 47)
    whole, history = Replay().add(as_table(payloads)), Replay()
    history.add(as_table(payloads[:500]))
    codes, kinds, blobs = history.shared_records()
    plans = Plans()
    plans.records |= dict(zip(zip(kinds.tolist(), codes.tolist(), strict=True), blobs, strict=True))
    table = as_table(payloads[500:])
    events, entities = encode_table(table, np.arange(100)), entity_codes(table)
    met = meetings_of(events, entities, whole.explained[500:], np.ones(100, np.bool_))
    records = plans.write(met, np.zeros(0, REPORT), PlanSpan(99, 0, 100))
    target = touched(met, np.zeros(0, REPORT))
    blobs = [records[key] for key in zip(target.kinds.tolist(), target.codes.tolist(), strict=True)]
    vectors = np.tile(shared.DEFAULTS, (100, 1))
    answers = shared.answer(met, target.places, unpack(blobs))
    shared.fill(*places_of_meetings(entities, np.ones(100, np.bool_)), answers, vectors)
    is_new = whole.status[500:] == kernel.NEW
    assert np.array_equal(vectors[is_new], whole.vectors[500:, SHARED][is_new])
    assert set(unpack(blobs).headers["end"].tolist()) == {100}


def _short(blob: bytes) -> bytes:
    return blob[: HEADER.itemsize - 1]


def _of_another_layout(blob: bytes) -> bytes:
    return b"\x02" + blob[1:]


def _cut_off(blob: bytes) -> bytes:
    return blob[:-1]


def _with_more_than_it_says(blob: bytes) -> bytes:
    return blob + bytes(20)


@pytest.mark.parametrize("spoil", [_short, _of_another_layout, _cut_off, _with_more_than_it_says])
def test_bytes_of_another_layout_are_refused(spoil: Callable[[bytes], bytes]) -> None:
    payloads = shared_transactions(200, 48)
    meetings, reports = meetings_in(payloads), np.zeros(0, REPORT)
    plans = Plans()
    plans.records |= plans.write(meetings, reports, PlanSpan(7, 0, 200))
    for key in list(plans.records)[:3]:
        spoilt = plans.records | {key: spoil(plans.records[key])}
        with pytest.raises(StateCorrupt):
            plans.write(meetings, reports, PlanSpan(7, 200, 400), spoilt)
        kind, code = key
        entities = np.zeros(len(KINDS), np.uint64)
        entities[kind] = code
        blobs = [spoilt[key]] * len(KINDS)
        with pytest.raises(StateCorrupt):
            shared.compute_ahead(entities, START_MS, 1, blobs, np.empty(len(NAMES)))


def test_records_are_what_they_were_after_unpacking_and_packing() -> None:
    plans = Plans()
    for meetings, reports, span in plans_of(49):
        plans.records |= plans.write(meetings, reports, span)
    blobs = list(plans.records.values())
    assert pack(unpack(blobs)) == blobs
    assert {kind for kind, _ in plans.records} == set(range(len(KINDS)))


def single_entity(count: int, gap_ms: int) -> list[Payload]:
    """One merchant, terminal, device and network, used by many cards at an even pace."""
    return [
        {
            "transaction_id": f"one-{i}",
            "event_time": START_MS + i * gap_ms,
            "utc_offset_min": 0,
            "customer_id": f"cus-{i % 40}",
            "card_token": f"tok-{i % 2_000}",
            "merchant_id": "mer",
            "terminal_id": "ter",
            "device_id": "dev",
            "ip": "10.1.2.3",
            "mcc": "5411",
            "amount_minor": 100 + i,
            "currency": "EUR",
            "amount_base_minor": 100 + i,
            "merchant_country": "FR",
            "channel": "chip",
        }
        for i in range(count)
    ]


def test_beyond_the_cap_the_newest_count_exactly_and_older_ones_by_whole_days() -> None:
    payloads = single_entity(3_600, 1_080_000)  # eighty a day, 45 days
    labels = [Outcome(p, p["event_time"] + 2 * DAY, "label") for p in payloads[::9]]
    times = np.array([p["event_time"] for p in payloads])
    found = replay_with(payloads, labels, 100)
    assert np.array_equal(found.vectors, replay_with(payloads, labels, len(payloads)).vectors)
    for i in range(0, 3_600, 50):
        now = payloads[i]["event_time"]
        until = (now - 5_000) // 10_000 * 10_000
        newest = times[times <= until][-TERMINAL.cap :]
        older = times[times <= until][: -TERMINAL.cap] // DAY
        values = dict(zip(NAMES, found.vectors[i, SHARED].tolist(), strict=True))
        for days in (1, 3, 7, 14, 21, 28, 30):
            start, end = now - (7 + days) * DAY, now - 7 * DAY
            exactly = ((newest > start) & (newest <= end)).sum()
            by_day = ((older * DAY > start) & ((older + 1) * DAY <= end)).sum()
            assert values[f"terminal_delayed_count_{days}d"] == exactly + by_day
            frauds = ((times[::9] > start) & (times[::9] <= end)).sum()
            assert values[f"terminal_delayed_fraud_count_{days}d"] == frauds  # labels have room for all of them
        week = times[(times <= until) & (times // DAY > until // DAY - 7)]
        assert values["merchant_txn_count_7d"] == len(week)
        assert values["device_txn_count_7d"] == min(DEVICE.cap, ((times <= until) & (times > until - 7 * DAY)).sum())


@pytest.mark.parametrize("chunk_rows", [500, 4_000])
def test_a_busy_hour_counts_up_to_the_cap_and_the_week_counts_all(chunk_rows: int) -> None:
    payloads = single_entity(4_000, 1_500)
    vectors = replay_with(payloads, [], chunk_rows).vectors[:, SHARED]
    times = np.array([p["event_time"] for p in payloads])
    amounts = np.array([p["amount_base_minor"] for p in payloads])
    for i in range(0, 4_000, 111):
        until = (payloads[i]["event_time"] - 5_000) // 10_000 * 10_000
        values = dict(zip(NAMES, vectors[i].tolist(), strict=True))
        seen = times <= until
        hour, day = int((seen & (times > until - HOUR)).sum()), int(seen.sum())
        assert values["merchant_txn_count_1h"] == min(hour, MERCHANT.cap)
        assert values["merchant_txn_count_24h"] == min(day, MERCHANT.cap)
        assert values["merchant_distinct_cards_1h"] == min(hour, MERCHANT.cap)
        assert values["merchant_txn_count_7d"] == day
        assert values["merchant_amount_mean_7d"] == (amounts[seen].sum() / day if day else -1.0)
        assert values["terminal_txn_count_24h"] == min(day, TERMINAL.cap)
        assert values["network_txn_count_24h"] == min(day, NETWORK.cap)
        assert values["network_distinct_cards_24h"] == min(day, NETWORK.cap)
        assert values["device_txn_count_24h"] == min(day, DEVICE.cap)


def value_of_last(payloads: list[Payload], outcomes: list[Outcome], name: str, chunk_rows: int) -> float:
    return float(replay_with(payloads, outcomes, chunk_rows).vectors[-1, FEATURE_NAMES.index(name)])


def at_times(*times: int) -> list[Payload]:
    """Transactions of different customers at one merchant, terminal, device and network, ms after a start."""
    return [
        {**p, "event_time": START_MS + at, "customer_id": f"cus-{i}"}
        for i, (p, at) in enumerate(zip(single_entity(len(times), 0), times, strict=True))
    ]


def test_a_withdrawn_fraud_is_none_from_its_withdrawal_and_not_before() -> None:
    payloads = at_times(0, 9 * DAY, 10 * DAY)
    labels = [
        Outcome(payloads[0], START_MS + DAY, "label"),
        Outcome(payloads[0], START_MS + 9 * DAY + HOUR, "label", is_bad=False),
    ]
    vectors = replay_with(payloads, labels, 3).vectors
    assert vectors[1:, FEATURE_NAMES.index("terminal_last_known_is_fraud")].tolist() == [1.0, 0.0]
    assert vectors[1:, FEATURE_NAMES.index("terminal_days_since_unexplained_fraud")].tolist() == [9.0, -1.0]


@pytest.mark.parametrize("chunk_rows", [1, 3])
def test_a_second_withdrawal_does_not_bring_the_fraud_back(chunk_rows: int) -> None:
    payloads = at_times(0, 9 * DAY, 12 * DAY)
    labels = [
        Outcome(payloads[0], START_MS + DAY, "label"),
        Outcome(payloads[0], START_MS + 2 * DAY, "label", is_bad=False),
        Outcome(payloads[0], START_MS + 11 * DAY, "label", is_bad=False),
    ]
    vectors = replay_with(payloads, labels, chunk_rows).vectors
    assert vectors[1, FEATURE_NAMES.index("terminal_last_known_is_fraud")] == 0.0


@pytest.mark.parametrize("chunk_rows", [1, 3])
def test_seconds_out_of_order_the_longest_window_of_a_terminal_is_whole(chunk_rows: int) -> None:
    payloads = at_times(0, 37 * DAY + 1_000, 37 * DAY - 1_000)  # the last stands two seconds late in the log
    assert value_of_last(payloads, [], "terminal_delayed_count_30d", chunk_rows) == 1.0


@pytest.mark.parametrize(("chunk_rows", "count"), [(1, 0.0), (4, 1.0)])
def test_more_than_an_hour_late_a_merchant_s_day_is_what_the_record_still_holds(chunk_rows: int, count: float) -> None:
    payloads = at_times(0, 26 * HOUR, 26 * HOUR + 1_000, 23 * HOUR)  # the last stands three hours late in the log
    assert value_of_last(payloads, [], "merchant_txn_count_24h", chunk_rows) == count


@pytest.mark.parametrize(("chunk_rows", "count"), [(1, 1.0), (4, 0.0)])
def test_a_day_late_a_day_that_left_the_ring_counts_as_a_whole(chunk_rows: int, count: float) -> None:
    morning = DAY - START_MS % DAY
    payloads = at_times(morning + 20 * HOUR, morning + 50 * HOUR, morning + 50 * HOUR + 1_000, morning + 19 * HOUR)
    assert value_of_last(payloads, [], "merchant_txn_count_7d", chunk_rows) == count


@pytest.mark.parametrize(("gap_ms", "is_one_run"), [(28 * DAY - 1, True), (28 * DAY, False)])
def test_a_run_of_frauds_is_shorter_than_28_days(gap_ms: int, is_one_run: bool) -> None:
    payloads = at_times(0, gap_ms, gap_ms + 8 * DAY)
    labels = [Outcome(p, p["event_time"] + HOUR, "label") for p in payloads[:2]]
    expected = (gap_ms + 8 * DAY) / DAY if is_one_run else 8.0
    assert value_of_last(payloads, labels, "terminal_days_since_fraud_run_start", 1) == expected
    assert value_of_last(payloads, labels, "terminal_days_since_unexplained_fraud", 1) == 8.0


def test_a_known_good_transaction_ends_a_run_and_an_explained_fraud_does_not() -> None:
    payloads = at_times(0, DAY, 2 * DAY, 3 * DAY, 4 * DAY, 12 * DAY)
    payloads[2]["amount_base_minor"], payloads[3]["amount_base_minor"] = 22_000, 22_001  # the latter is explained
    labels = [Outcome(payloads[i], payloads[i]["event_time"] + HOUR, "label") for i in (0, 2, 3, 4)]
    assert value_of_last(payloads, labels, "terminal_days_since_fraud_run_start", 1) == 10.0
    assert value_of_last(payloads, labels, "terminal_delayed_unexplained_fraud_count_28d", 1) == 3.0
    assert value_of_last(payloads, labels, "terminal_delayed_fraud_count_28d", 1) == 4.0
    assert value_of_last(payloads, labels, "terminal_days_since_known_good", 1) == 11.0
