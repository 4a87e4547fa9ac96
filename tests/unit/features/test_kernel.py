"""The compiled kernel against the oracle, and against itself however the log is cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fraud_prevention.domain.errors import StateCorrupt, StateFenced, StateMisplaced
from fraud_prevention.ports import CustomerState
from model.features import kernel
from model.features.catalogue import FEATURE_NAMES, KERNEL_REVISION, SHARED
from model.features.codes import encode, encode_table, hash64, index_customers
from model.features.engine import DEFAULTS, BatchSpan, Computed, compute_batch, place_marks
from model.features.online import OnlineKernel, pending_entry, record_version
from model.features.record import CAP, DECLINED, DECLINED_BASE, ENTRY, FRAUD, FRAUD_BASE, HEADER, MARK, Entries
from model.features.replay import replay
from model.features.replay_engines import Replay
from tests.fixtures.events import as_table, as_transactions, transactions
from tests.fixtures.feature_oracle import Oracle, Outcome
from tests.fixtures.outcomes import outcomes_of, replay_with, side_table

Records = dict[str, bytes]
Payload = dict[str, Any]
ALIGNED_NAMES = FEATURE_NAMES[: SHARED.start]


def run_batch(
    payloads: list[Payload],
    first_offset: int,
    records: Records,
    outcomes: Sequence[Outcome] = (),
    start_offset: int | None = None,
) -> Computed:
    """One batch over the records, which are replaced. The start is the first offset where only transactions count."""
    table = as_table(payloads)
    customers, names = index_customers(table)
    names += sorted({o.event["customer_id"] for o in outcomes} - set(names))
    offsets = np.arange(first_offset, first_offset + len(payloads))
    start = first_offset if start_offset is None else start_offset
    span = BatchSpan(1, 0, start, start + len(payloads) + len(outcomes) - 1, first_offset)
    held = [records.get(n) for n in names]
    events = encode_table(table, offsets)
    marks = marks_of(events, outcomes, names)
    computed, after = compute_batch(events, customers, names, held, span, marks)
    records.update(zip(names, after, strict=True))
    return computed


def marks_of(events: NDArray[np.void], outcomes: Sequence[Outcome], names: list[str]) -> NDArray[np.void]:
    """The outcomes as marks among the events of a batch."""
    rows = [
        (
            names.index(o.event["customer_id"]),
            0,
            hash64(o.event["transaction_id"]),
            DECLINED if o.kind == "decline" else FRAUD,
            o.is_bad,
        )
        for o in outcomes
    ]
    return place_marks(events, np.array(rows, MARK), np.array([o.observed_at for o in outcomes], np.int64))


def batches_of(payloads: list[Payload], outcomes: list[Outcome], rows: int) -> Iterator[tuple[int, list[Outcome]]]:
    """First row of each batch, and the outcomes that were observed by its end and not before."""
    clock, waiting = 0, outcomes
    for first in range(0, len(payloads), rows):
        clock = max(clock, *(int(p["event_time"]) for p in payloads[first : first + rows]))
        due = [o for o in waiting if o.observed_at <= clock]
        yield first, due
        waiting = waiting[len(due) :]


def entries_of(record: bytes) -> Entries:
    return np.frombuffer(record, ENTRY, offset=HEADER.itemsize)


def flags_of(record: bytes, payload: Payload) -> int:
    """What the record says later of the transaction: its marks, now and before the batch."""
    entries = entries_of(record)
    (flags,) = entries["flags"][entries["transaction"] == hash64(payload["transaction_id"])]
    return int(flags) & (DECLINED | DECLINED_BASE | FRAUD | FRAUD_BASE)


def aligned(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """The part that comes from the customer's own record."""
    return vectors[..., : SHARED.start]


def compare(payloads: list[Payload], outcomes: list[Outcome], found: Computed) -> None:
    """Hold all aligned features against the oracle."""
    oracle = Oracle(outcomes)
    for i, payload in enumerate(payloads):
        name_of = str(payload["transaction_id"])
        expected = oracle.add(payload)
        vector = found.vectors[i].tolist()
        if expected is None:
            assert vector == DEFAULTS.tolist(), name_of
            assert found.status[i] != kernel.NEW, name_of
            continue
        for name, value in zip(ALIGNED_NAMES, vector[: len(ALIGNED_NAMES)], strict=True):
            assert value == pytest.approx(float(expected[name]), rel=1e-5, abs=2e-2), (name_of, name)
        assert bool(found.explained[i]) == oracle.explained[name_of], name_of


@pytest.mark.parametrize(("customers", "mean_gap_ms"), [(20, 400_000), (2, 30_000), (3, 7_000_000)])
def test_every_feature_equals_the_oracle(customers: int, mean_gap_ms: int) -> None:
    payloads = transactions(2_500, customers=customers, seed=11, mean_gap_ms=mean_gap_ms, terminals=9)
    outcomes = outcomes_of(payloads, seed=11)
    found = replay_with(payloads, outcomes, len(payloads))
    compare(payloads, outcomes, found)


def test_vectors_do_not_depend_on_how_the_history_is_cut() -> None:
    table = as_table(transactions(4_000, customers=15, seed=3))
    whole = aligned(replay(table))
    for chunk_rows in (1, 37, 1_000):
        assert np.array_equal(whole[: 37 * 20], aligned(replay(table.slice(0, 37 * 20), chunk_rows=chunk_rows)))
    assert np.array_equal(whole, aligned(replay(table, chunk_rows=777)))


def test_batches_over_packed_records_equal_replay() -> None:
    payloads = transactions(3_000, customers=8, seed=5, mean_gap_ms=2_000_000)
    records: Records = {}
    found = [run_batch(payloads[i : i + 250], i, records).vectors for i in range(0, len(payloads), 250)]
    assert np.array_equal(aligned(np.concatenate(found)), aligned(replay(as_table(payloads))))


def test_a_retried_batch_gives_the_same_vectors_and_the_same_bytes() -> None:
    payloads = transactions(1_200, customers=2, seed=6, mean_gap_ms=900_000)  # beyond the cap of live events
    records: Records = {}
    for first in range(0, 1_200, 400):
        before = dict(records)
        once = run_batch(payloads[first : first + 400], first, records)
        after = dict(records)
        again = run_batch(payloads[first : first + 400], first, records)
        assert np.array_equal(once.vectors, again.vectors)
        assert records == after != before


def test_a_retry_finds_its_way_back_from_a_half_written_batch() -> None:
    payloads = transactions(600, customers=6, seed=7)
    records: Records = {}
    run_batch(payloads[:300], 0, records)
    half = dict(records)
    once = run_batch(payloads[300:], 300, records)
    half.update(list(records.items())[:3])
    again = run_batch(payloads[300:], 300, half)
    assert np.array_equal(once.vectors, again.vectors)
    assert half == records


def test_an_older_batch_is_fenced_off() -> None:
    payloads = transactions(200, customers=3, seed=8)
    records: Records = {}
    run_batch(payloads[:100], 0, records)
    run_batch(payloads[100:], 100, records)
    with pytest.raises(StateFenced, match="at offset 100, this one starts at 0"):
        run_batch(payloads[:100], 0, records)


def test_a_customer_in_two_partitions_is_refused() -> None:
    payloads = transactions(20, customers=1, seed=18)
    table = as_table(payloads)
    customers, names = index_customers(table)
    events = encode_table(table, np.arange(20))
    _, records = compute_batch(events, customers, names, [None], BatchSpan(1, 0, 0, 19, 0))
    with pytest.raises(StateMisplaced, match="in the partitions 0 and 1"):
        compute_batch(events, customers, names, [records[0]], BatchSpan(1, 1, 0, 19, 0))


def test_a_repeated_id_changes_nothing_and_another_body_is_a_conflict() -> None:
    payloads = transactions(50, customers=1, seed=9)
    other = {**payloads[10], "amount_base_minor": 1}
    records: Records = {}
    run_batch(payloads, 0, records)
    before = np.frombuffer(records["cus-0"], HEADER, 1)["count"][0]
    computed = run_batch([payloads[10], other], 50, records)
    assert computed.status.tolist() == [kernel.REPEAT, kernel.CONFLICT]
    assert np.frombuffer(records["cus-0"], HEADER, 1)["count"][0] == before


def test_no_more_than_the_cap_of_live_events_is_seen() -> None:
    payloads = transactions(CAP * 2, customers=1, seed=10, late_share=0, mean_gap_ms=1_000)
    vectors = replay(as_table(payloads))
    counts = vectors[:, FEATURE_NAMES.index("customer_txn_count_30d")]
    assert counts.max() == CAP
    assert vectors[-1, FEATURE_NAMES.index("customer_txn_count_total")] == CAP * 2 - 1


def test_a_repeat_beyond_the_cap_is_new_however_the_history_is_cut() -> None:
    payloads = transactions(600, customers=1, seed=20, late_share=0, mean_gap_ms=1_000)
    payloads.append(payloads[0])
    whole, pieces = Replay(), Replay()
    status = whole.add(as_table(payloads)).status
    assert status[-1] == kernel.NEW
    cut = [pieces.add(as_table(payloads[at : at + 100])).status for at in range(0, len(payloads), 100)]
    assert np.concatenate(cut).tolist() == status.tolist()


def test_a_record_holds_the_cap_of_before_the_batch_and_the_cap_of_the_batch() -> None:
    payloads = transactions(CAP * 6, customers=1, seed=22, late_share=0, mean_gap_ms=1_000)
    records: Records = {}
    run_batch(payloads[: CAP * 3], 0, records)
    assert np.frombuffer(records["cus-0"], HEADER, 1)["count"][0] == CAP
    before = dict(records)
    run_batch(payloads[CAP * 3 :], CAP * 3, records)
    assert np.frombuffer(records["cus-0"], HEADER, 1)["count"][0] == CAP * 2
    once = dict(records)
    run_batch(payloads[CAP * 3 :], CAP * 3, records)
    assert records == once != before


MEANING = {3: "4d7df0d3949da50c"}
"""Digest of the kernel's answers by revision: six digits of each number, so that libraries may round their last bit."""


def test_a_change_of_the_kernel_s_answers_raises_its_revision() -> None:
    vectors = replay(as_table(transactions(2_000, customers=8, seed=23)))
    answers = "\n".join(" ".join(f"{value:.6g}" for value in vector) for vector in vectors)
    assert sha256(answers.encode()).hexdigest()[:16] == MEANING[KERNEL_REVISION], (
        "features mean something else now: raise KERNEL_REVISION and note the digest of the new answers here"
    )


def test_online_with_pending_entries_equals_replay() -> None:
    payloads = transactions(400, customers=1, seed=12, late_share=0)
    expected = aligned(replay(as_table(payloads)))
    records: Records = {}
    run_batch(payloads[:300], 0, records)
    online = OnlineKernel()
    found = as_transactions(payloads)
    pending: list[bytes] = []
    for i in range(300, 400):
        state = CustomerState(records["cus-0"], tuple(pending), 299)
        assert np.array_equal(aligned(online.compute_one(found[i], state).values), expected[i])
        pending.append(pending_entry(found[i]))


def test_a_pending_entry_stops_counting_once_the_record_has_it() -> None:
    payloads = transactions(40, customers=1, seed=13, late_share=0)
    found = as_transactions(payloads)
    records: Records = {}
    run_batch(payloads[:30], 0, records)
    assert record_version(records["cus-0"]) == 29
    pending = tuple(pending_entry(t) for t in found[25:35])
    result = OnlineKernel().compute_one(found[35], CustomerState(records["cus-0"], pending, 29))
    assert np.array_equal(aligned(result.values), aligned(replay(as_table(payloads[:36])))[35])
    assert result.absorbed == pending[:5]


def test_a_retry_of_the_api_does_not_see_its_own_first_attempt() -> None:
    payloads = transactions(30, customers=1, seed=14, late_share=0)
    records: Records = {}
    run_batch(payloads, 0, records)
    last = as_transactions(payloads)[-1]
    again = OnlineKernel().compute_one(last, CustomerState(records["cus-0"], (pending_entry(last),), 29))
    assert np.array_equal(aligned(again.values), aligned(replay(as_table(payloads)))[-1])


def test_one_row_and_a_table_are_encoded_alike() -> None:
    payloads = transactions(300, customers=5, seed=15)
    together = encode_table(as_table(payloads), np.arange(300))
    for i, transaction in enumerate(as_transactions(payloads)):
        assert encode(transaction, i).tobytes() == together[i : i + 1].tobytes()


def test_records_of_a_rebuild_carry_on_where_history_ended() -> None:
    payloads = transactions(900, customers=4, seed=16)
    history = Replay()
    history.add(as_table(payloads[:600]))
    records = history.records()
    found = run_batch(payloads[600:], 0, records)
    assert np.array_equal(aligned(found.vectors), aligned(replay(as_table(payloads)))[600:])


def test_marks_do_not_depend_on_how_the_history_is_cut() -> None:
    payloads = transactions(1_500, customers=6, seed=24, mean_gap_ms=900_000)
    outcomes = outcomes_of(payloads, seed=24, longest_delay_ms=6 * 86_400_000)
    whole = replay_with(payloads, outcomes, len(payloads))
    for rows in (1, 113):
        pieces = replay_with(payloads, outcomes, rows)
        assert np.array_equal(aligned(whole.vectors), aligned(pieces.vectors))
        assert np.array_equal(whole.explained, pieces.explained)
    assert not np.array_equal(aligned(whole.vectors), aligned(replay(as_table(payloads))))


@pytest.mark.parametrize("mean_gap_ms", [900_000, 60_000])
def test_batches_with_marks_equal_replay_and_a_repeat_changes_no_byte(mean_gap_ms: int) -> None:
    payloads = transactions(1_500, customers=3, seed=25, mean_gap_ms=mean_gap_ms)  # beyond the cap of live events
    outcomes = outcomes_of(payloads, seed=25, longest_delay_ms=300 * mean_gap_ms)
    records: Records = {}
    found = []
    for first, due in batches_of(payloads, outcomes, 150):
        before = dict(records)
        batch = payloads[first : first + 150]
        once = run_batch(batch, first, records, due, 3 * first)
        after = dict(records)
        for _ in range(2):
            again = run_batch(batch, first, records, due, 3 * first)
            assert np.array_equal(once.vectors, again.vectors)
            assert np.array_equal(once.explained, again.explained)
            assert records == after != before
        half = before | dict(list(after.items())[:1])
        run_batch(batch, first, half, due, 3 * first)
        assert half == after
        found.append(once.vectors)
    expected = replay_with(payloads, outcomes, len(payloads)).vectors
    assert np.array_equal(aligned(np.concatenate(found)), aligned(expected))


def test_a_repeat_finds_the_flags_of_before_the_batch() -> None:
    payloads = transactions(40, customers=1, seed=26, late_share=0)
    old, end = payloads[5], payloads[-1]["event_time"]
    records: Records = {}
    run_batch(payloads[:20], 0, records)
    fraud = [Outcome(old, payloads[25]["event_time"], "label"), Outcome(old, payloads[30]["event_time"], "decline")]
    run_batch(payloads[20:30], 20, records, fraud)
    assert flags_of(records["cus-0"], old) == FRAUD | DECLINED  # before the batch it had neither
    once = dict(records)
    run_batch(payloads[20:30], 20, records, fraud)
    assert records == once
    cleared = [Outcome(old, end, "label", is_bad=False)]
    for _ in range(2):
        run_batch(payloads[30:], 30, records, cleared)
        assert flags_of(records["cus-0"], old) == FRAUD_BASE | DECLINED | DECLINED_BASE
    with pytest.raises(StateFenced):
        run_batch(payloads[20:30], 20, records, fraud)


def test_a_batch_of_marks_alone_changes_flags_and_nothing_else() -> None:
    payloads = transactions(30, customers=2, seed=27, late_share=0)
    records: Records = {}
    run_batch(payloads, 0, records)
    before = dict(records)
    own = next(p for p in payloads if p["customer_id"] == "cus-1")
    label = [Outcome(own, payloads[-1]["event_time"], "label")]
    for _ in range(2):
        run_batch([], 30, records, label)
        assert records["cus-0"] == before["cus-0"]
        assert flags_of(records["cus-1"], own) == FRAUD
        was, now = entries_of(before["cus-1"]).copy(), entries_of(records["cus-1"])
        was["flags"][was["transaction"] == hash64(own["transaction_id"])] |= FRAUD
        assert was.tobytes() == now.tobytes()
        assert record_version(records["cus-1"]) == record_version(before["cus-1"])


def test_marks_of_what_the_record_does_not_hold_change_nothing() -> None:
    payloads = transactions(CAP * 2, customers=1, seed=28, late_share=0, mean_gap_ms=1_000)
    stranger = {**payloads[0], "transaction_id": "nobody's"}
    end = payloads[-1]["event_time"]
    outcomes = [Outcome(payloads[0], end, "label"), Outcome(stranger, end, "decline")]
    assert np.array_equal(
        replay_with(payloads, outcomes, len(payloads)).vectors, replay_with(payloads, [], len(payloads)).vectors
    )


def test_a_mark_is_seen_from_the_first_event_that_is_not_older_than_its_observation() -> None:
    payloads = transactions(30, customers=1, seed=29, late_share=0, mean_gap_ms=100_000)
    at = FEATURE_NAMES.index("customer_decline_count_24h")
    for delay, first in ((0, 20), (1, 21)):
        seen = [Outcome(payloads[3], payloads[20]["event_time"] + delay, "decline")]
        counts = replay_with(payloads, seen, len(payloads)).vectors[:, at].tolist()
        assert counts == [0.0] * first + [1.0] * (30 - first)


def test_a_decline_of_a_late_transaction_counts_however_the_history_is_cut() -> None:
    payloads = transactions(3, customers=1, seed=30, late_share=0)
    first, late, last = ({**p, "event_time": payloads[0]["event_time"]} for p in payloads)
    first["event_time"] += 3_000  # the one after it in the log is three seconds late
    last["event_time"] += 60_000
    declined = [Outcome(late, late["event_time"] + 1_000, "decline")]
    at = FEATURE_NAMES.index("customer_decline_count_24h")
    table = as_table([first, late, last])
    whole, pieces = Replay(), Replay()
    cut = [
        pieces.add(table.slice(0, 1)),
        pieces.add(table.slice(1, 1), side_table(declined)),
        pieces.add(table.slice(2)),
    ]
    assert cut[-1].vectors[0, at] == 1.0
    assert whole.add(table, side_table(declined)).vectors[2, at] == 1.0


def test_online_sees_the_marks_of_the_record() -> None:
    payloads = transactions(101, customers=1, seed=31, late_share=0)
    outcomes = outcomes_of(payloads[:90], 31, longest_delay_ms=600_000)
    outcomes = [o for o in outcomes if o.observed_at <= payloads[99]["event_time"]]
    records: Records = {}
    run_batch(payloads[:100], 0, records, outcomes)
    state = CustomerState(records["cus-0"], (), 99)
    values = OnlineKernel().compute_one(as_transactions(payloads)[100], state).values
    assert np.array_equal(aligned(values), aligned(replay_with(payloads, outcomes, 101).vectors)[100])
    assert values[FEATURE_NAMES.index("customer_known_fraud_count_30d")] > 0


@pytest.mark.parametrize("blob", [b"short", b"\0" * HEADER.itemsize, b"\x01\x00\x53\x46" + b"\0" * 60])
def test_bytes_of_another_layout_are_refused(blob: bytes) -> None:
    payloads = transactions(1, customers=1, seed=17)
    with pytest.raises(StateCorrupt):
        run_batch(payloads, 0, {"cus-0": blob})
