"""What a synthetic world promises: determinism, no truth in payloads, shares, seasons, stories that are told relative
to their victims.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import average_precision_score

from data_pipeline.contract.check import check_payload
from data_pipeline.history import files
from data_pipeline.history.generate import WorldFile, write_history
from data_pipeline.produce.message import wire_rows
from data_pipeline.synthetic.commerce import KINDS, weekday
from data_pipeline.synthetic.customer_life import customer_events
from data_pipeline.synthetic.outcomes import labels_of
from data_pipeline.synthetic.places import CITY_COUNTRY, distance_km
from data_pipeline.synthetic.rows import DAY_MS, FIRST_FRAUD, SCENARIOS, Rows
from data_pipeline.synthetic.side_columns import authorisation_columns, customer_event_columns, label_columns
from data_pipeline.synthetic.text import to_columns
from data_pipeline.synthetic.world import World, WorldSpec
from fraud_prevention.domain import topics
from fraud_prevention.domain.reference import to_base_minor
from fraud_prevention.domain.transaction import TimeBounds, parse_transaction

START = 20_500
DAYS = 35
SPEC = WorldSpec(seed=5, customers=2_000, start_day=START)


@pytest.fixture(scope="module")
def world() -> World:
    return World(SPEC)


@pytest.fixture(scope="module")
def rows(world: World) -> Rows:
    return np.concatenate([world.window(day * DAY_MS, (day + 1) * DAY_MS) for day in range(START, START + DAYS)])


def _is_fraud(rows: Rows) -> np.ndarray:
    return np.asarray(rows["scenario"] >= FIRST_FRAUD)


def test_equal_arguments_write_equal_bytes(tmp_path: Path) -> None:
    spec = WorldSpec(seed=3, customers=150, start_day=START)
    for folder in ("one", "two"):
        write_history(spec, 9, tmp_path / folder)
    for name in (*files.SCHEMAS, files.WORLD_FILE):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_any_span_is_the_same_however_it_is_asked_for(world: World, rows: Rows) -> None:
    fresh = World(SPEC)
    backwards = [fresh.window(day * DAY_MS, (day + 1) * DAY_MS) for day in (START + 20, START + 3)]
    whole = rows[(rows["time"] >= (START + 3) * DAY_MS) & (rows["time"] < (START + 4) * DAY_MS)]
    assert backwards[1].tobytes() == whole.tobytes()
    odd = world.window((START + 3) * DAY_MS + 12_345, (START + 3) * DAY_MS + 9_999_999)
    assert odd.tobytes() == whole[np.isin(whole["id"], odd["id"])].tobytes()


def test_another_seed_is_another_world(rows: Rows) -> None:
    other = World(WorldSpec(seed=6, customers=2_000, start_day=START)).window(START * DAY_MS, (START + 1) * DAY_MS)
    assert not np.isin(other["id"], rows["id"]).any()


def test_rows_are_in_log_order_and_ids_are_unique(rows: Rows) -> None:
    order = np.lexsort((rows["id"], rows["time"]))
    assert (order == np.arange(len(rows))).all()
    assert len(np.unique(rows["id"])) == len(rows)


@pytest.mark.parametrize("rate", [0.0, 0.005, 0.05])
def test_fraud_rate_is_met_within_five_percent(rate: float) -> None:
    world = World(WorldSpec(seed=8, customers=2_000, start_day=START, fraud_rate=rate))
    days = [world.window(day * DAY_MS, (day + 1) * DAY_MS) for day in range(START + 3, START + 3 + 42)]
    share = _is_fraud(np.concatenate(days)).mean()
    assert share == pytest.approx(rate, rel=0.05)


def test_history_has_the_columns_of_the_contract_and_no_truth(tmp_path: Path) -> None:
    write_history(WorldSpec(seed=3, customers=150, start_day=START), 9, tmp_path)
    for name, schema in files.SCHEMAS.items():
        assert pq.read_schema(tmp_path / name).equals(schema), name
    history = pq.read_table(tmp_path / files.HISTORY_FILE)
    now = TimeBounds(0, 0, is_enforced=False)
    for payload in wire_rows(history):
        assert parse_transaction(payload, 0, now).to_wire() == payload
        assert to_base_minor(payload["amount_minor"], payload["currency"]) == payload["amount_base_minor"]
    assert pq.read_table(tmp_path / files.TRUTH_FILE)["transaction_id"].equals(history["transaction_id"])
    assert WorldFile.read(tmp_path).end_ms == (START + 9) * DAY_MS


def test_history_holds_only_what_was_known_by_its_end(tmp_path: Path) -> None:
    write_history(WorldSpec(seed=3, customers=400, start_day=START, fraud_rate=0.02), 20, tmp_path)
    labels = pq.read_table(tmp_path / files.LABELS_FILE)
    observed = labels["observed_at"].to_numpy()
    assert len(labels) > 0
    assert (np.diff(observed) >= 0).all()
    assert observed.max() < (START + 20) * DAY_MS
    assert (observed > labels["event_time"].to_numpy()).all()


def test_every_payload_keeps_its_contract(world: World) -> None:
    rows = world.window((START + 8) * DAY_MS, (START + 9) * DAY_MS)
    tables = {
        topics.TRANSACTIONS: to_columns(world, rows, world.card_blocks((START + 9) * DAY_MS)),
        topics.AUTHORISATIONS: authorisation_columns(world, rows),
        topics.LABELS: label_columns(rows, labels_of(world.draws, rows)),
    }
    for topic, table in tables.items():
        assert len(table) > 0
        assert [error for payload in wire_rows(table) for error in check_payload(topic, payload)] == []


def test_customer_events_are_of_every_kind_and_in_order(world: World) -> None:
    events = customer_events(world, START * DAY_MS, (START + DAYS) * DAY_MS)
    assert {event.kind for _, event in events} == {
        "profile_change",
        "new_device",
        "travel_notice",
        "card_blocked",
        "card_replaced",
    }
    assert len({name for name, _ in events}) == len(events)
    times = [event.time for _, event in events]
    assert times == sorted(times)
    assert len(customer_event_columns(events)) == len(events)


def test_every_story_is_told_and_none_dominates(rows: Rows) -> None:
    counts = np.bincount(rows["scenario"], minlength=len(SCENARIOS))
    frauds = counts[FIRST_FRAUD:]
    assert (counts > 0).all()
    assert frauds.max() / frauds.sum() < 0.45


@pytest.mark.parametrize(
    "feature",
    [lambda r: r["base"], lambda r: -r["base"], lambda r: r["device"] > 0, lambda r: r["decline"] > 0],
    ids=["large", "small", "remote", "declined"],
)
def test_no_single_raw_column_gives_fraud_away(rows: Rows, feature: Callable[[Rows], np.ndarray]) -> None:
    assert average_precision_score(_is_fraud(rows), feature(rows)) < 0.15


@pytest.mark.parametrize("column", ["kind", "hour", "channel", "country"])
def test_no_single_category_gives_fraud_away(world: World, rows: Rows, column: str) -> None:
    values = {
        "kind": world.merchants.kind[rows["merchant"]],
        "hour": (rows["time"] // 3_600_000 + rows["offset"] // 60) % 24,
        "channel": rows["channel"],
        "country": rows["country"],
    }[column]
    fraud = _is_fraud(rows)
    share = np.bincount(values, fraud, minlength=64) / np.maximum(1, np.bincount(values, minlength=64))
    assert average_precision_score(fraud, share[values]) < 0.15


def test_kinds_and_hours_keep_their_shares_over_time(world: World, rows: Rows) -> None:
    honest = rows[~_is_fraud(rows)]
    half = len(honest) // 2
    for values, size in (
        (world.merchants.kind[honest["merchant"]], len(KINDS)),
        ((honest["time"] // 3_600_000 + honest["offset"] // 60) % 24, 24),
    ):
        first = np.bincount(values[:half], minlength=size) / half
        second = np.bincount(values[half:], minlength=size) / (len(honest) - half)
        assert np.abs(first - second).max() < 0.01


def test_people_sleep_and_shop_at_the_weekend(rows: Rows) -> None:
    honest = rows[~_is_fraud(rows)]
    local = honest["time"] + honest["offset"].astype(np.int64) * 60_000
    by_hour = np.bincount((local // 3_600_000) % 24, minlength=24)
    assert by_hour[2:5].sum() < 0.05 * by_hour[11:20].sum()
    days = np.array([weekday(int(day)) for day in local // DAY_MS])
    per_day = np.bincount(days, minlength=7)
    assert per_day[4:6].mean() > per_day[:3].mean()


def test_most_attempts_of_card_testing_are_small_and_refused(rows: Rows) -> None:
    tests = rows[(rows["scenario"] == SCENARIOS.index("card_testing")) & (rows["base"] <= 500)]
    assert len(tests) > 20
    assert 0.5 < (tests["decline"] > 0).mean() < 0.95


def test_a_ring_shares_one_device_between_accounts(rows: Rows) -> None:
    ring = rows[rows["scenario"] == SCENARIOS.index("device_ring")]
    for device in np.unique(ring["device"]):
        assert len(np.unique(ring["customer"][ring["device"] == device])) >= 2
    assert not np.isin(ring["device"], rows["device"][~_is_fraud(rows)]).any()


def test_a_cloned_card_is_where_its_owner_cannot_be(world: World, rows: Rows) -> None:
    clones = rows[rows["scenario"] == SCENARIOS.index("cloned_card")]
    home = CITY_COUNTRY[world.customers.city[clones["customer"]]]
    assert (clones["country"] != home).all()


def test_honest_people_do_not_travel_faster_than_planes(rows: Rows) -> None:
    honest = rows[~_is_fraud(rows) & ~np.isnan(rows["lat"])]
    honest = honest[np.lexsort((honest["time"], honest["customer"]))]
    km = distance_km(honest["lat"][:-1], honest["lon"][:-1], honest["lat"][1:], honest["lon"][1:])
    hours = np.diff(honest["time"]) / 3_600_000
    is_same = honest["customer"][1:] == honest["customer"][:-1]
    assert ((km > 300) & (km > 900 * hours) & is_same).mean() < 0.0005


def test_fraud_is_drawn_relative_to_its_victim(world: World, rows: Rows) -> None:
    takeovers = rows[rows["scenario"] == SCENARIOS.index("account_takeover")]
    spend = world.customers.spend[takeovers["customer"]]
    assert np.corrcoef(np.log(spend), np.log(takeovers["base"]))[0, 1] > 0.15


def test_labels_are_late_incomplete_and_sometimes_wrong(world: World, rows: Rows) -> None:
    labels = labels_of(world.draws, rows)
    fraud = _is_fraud(rows)
    reported = labels["row"][labels["is_fraud"] & fraud[labels["row"]]]
    assert 0.75 < len(np.unique(reported)) / fraud.sum() < 0.92
    wrong = labels[labels["is_fraud"] & ~fraud[labels["row"]]]
    assert 0 < len(wrong) < 0.2 * fraud.sum()
    reversed_rows = labels["row"][~labels["is_fraud"]]
    assert np.isin(reversed_rows, wrong["row"]).all()


def test_a_replaced_card_has_another_token(world: World, rows: Rows) -> None:
    blocks = world.card_blocks((START + DAYS) * DAY_MS)
    tokens = np.array(to_columns(world, rows, blocks)["card_token"].to_pylist())
    customer, card = int(blocks[0] >> 42) // 2, int(blocks[0] >> 42) % 2
    blocked_at = int(blocks[0] & ((1 << 42) - 1))
    own = (rows["customer"] == customer) & (rows["card"] == card)
    before, after = tokens[own & (rows["time"] < blocked_at)], tokens[own & (rows["time"] > blocked_at)]
    assert set(before).isdisjoint(after)


def test_a_live_stream_keeps_the_honest_rows_and_changes_the_share_of_fraud(world: World) -> None:
    cut = (START + 14) * DAY_MS
    live = world.with_live(cut, 0.05)
    before, after = (cut - DAY_MS, cut), (cut, cut + 7 * DAY_MS)
    assert live.window(*before).tobytes() == world.window(*before).tobytes()
    lively, calm = live.window(*after), world.window(*after)
    assert lively[~_is_fraud(lively)].tobytes() == calm[~_is_fraud(calm)].tobytes()
    assert _is_fraud(lively).mean() > 5 * _is_fraud(calm).mean()


def test_a_world_without_customers_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one customer"):
        WorldSpec(seed=1, customers=0, start_day=START)
    with pytest.raises(ValueError, match="fraud rate"):
        WorldSpec(seed=1, customers=1, start_day=START, fraud_rate=0.6)
