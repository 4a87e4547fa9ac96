"""The compiled kernel against the oracle, and against itself however the log is cut."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pytest

from fraud_prevention.domain.errors import StateCorrupt, StateFenced, StateMisplaced
from fraud_prevention.ports import CustomerState
from model.features import kernel
from model.features.catalogue import FEATURE_NAMES, KERNEL_REVISION
from model.features.codes import encode, encode_table, index_customers
from model.features.engine import BatchSpan, Computed, Replay, compute_batch
from model.features.online import OnlineKernel, pending_entry, record_version
from model.features.record import CAP, HEADER
from model.features.replay import replay
from tests.fixtures.events import as_table, as_transactions, transactions
from tests.fixtures.feature_oracle import Oracle

Records = dict[str, bytes]


def run_batch(payloads: list[dict[str, object]], first_offset: int, records: Records) -> Computed:
    """One batch over the records, which are replaced."""
    table = as_table(payloads)
    customers, names = index_customers(table)
    offsets = np.arange(first_offset, first_offset + len(payloads))
    span = BatchSpan(1, 0, first_offset, first_offset + len(payloads) - 1)
    held = [records.get(n) for n in names]
    computed, after = compute_batch(encode_table(table, offsets), customers, names, held, span)
    records.update(zip(names, after, strict=True))
    return computed


@pytest.mark.parametrize(("customers", "mean_gap_ms"), [(20, 400_000), (2, 30_000), (3, 7_000_000)])
def test_every_feature_equals_the_oracle(customers: int, mean_gap_ms: int) -> None:
    payloads = transactions(2_500, customers=customers, seed=11, mean_gap_ms=mean_gap_ms)
    vectors = replay(as_table(payloads))
    oracle = Oracle()
    for payload, vector in zip(payloads, vectors, strict=True):
        expected = oracle.add(payload)
        assert expected is not None
        for name, value in zip(FEATURE_NAMES, vector.tolist(), strict=True):
            assert value == pytest.approx(float(expected[name]), rel=1e-5, abs=2e-2), (payload["transaction_id"], name)


def test_vectors_do_not_depend_on_how_the_history_is_cut() -> None:
    table = as_table(transactions(4_000, customers=15, seed=3))
    whole = replay(table)
    for chunk_rows in (1, 37, 1_000):
        assert np.array_equal(whole[: 37 * 20], replay(table.slice(0, 37 * 20), chunk_rows=chunk_rows))
    assert np.array_equal(whole, replay(table, chunk_rows=777))


def test_batches_over_packed_records_equal_replay() -> None:
    payloads = transactions(3_000, customers=8, seed=5, mean_gap_ms=2_000_000)
    records: Records = {}
    found = [run_batch(payloads[i : i + 250], i, records).vectors for i in range(0, len(payloads), 250)]
    assert np.array_equal(np.concatenate(found), replay(as_table(payloads)))


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
    _, records = compute_batch(events, customers, names, [None], BatchSpan(1, 0, 0, 19))
    with pytest.raises(StateMisplaced, match="in the partitions 0 and 1"):
        compute_batch(events, customers, names, [records[0]], BatchSpan(1, 1, 0, 19))


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


MEANING = {2: "7946c8de9ad9463f"}
"""Digest of the kernel's answers by revision: six digits of each number, so that libraries may round their last bit."""


def test_a_change_of_the_kernel_s_answers_raises_its_revision() -> None:
    vectors = replay(as_table(transactions(2_000, customers=8, seed=23)))
    answers = "\n".join(" ".join(f"{value:.6g}" for value in vector) for vector in vectors)
    assert sha256(answers.encode()).hexdigest()[:16] == MEANING[KERNEL_REVISION], (
        "features mean something else now: raise KERNEL_REVISION and note the digest of the new answers here"
    )


def test_online_with_pending_entries_equals_replay() -> None:
    payloads = transactions(400, customers=1, seed=12, late_share=0)
    expected = replay(as_table(payloads))
    records: Records = {}
    run_batch(payloads[:300], 0, records)
    online = OnlineKernel()
    found = as_transactions(payloads)
    pending: list[bytes] = []
    for i in range(300, 400):
        state = CustomerState(records["cus-0"], tuple(pending), 299)
        assert np.array_equal(online.compute_one(found[i], state).values, expected[i])
        pending.append(pending_entry(found[i]))


def test_a_pending_entry_stops_counting_once_the_record_has_it() -> None:
    payloads = transactions(40, customers=1, seed=13, late_share=0)
    found = as_transactions(payloads)
    records: Records = {}
    run_batch(payloads[:30], 0, records)
    assert record_version(records["cus-0"]) == 29
    pending = tuple(pending_entry(t) for t in found[25:35])
    result = OnlineKernel().compute_one(found[35], CustomerState(records["cus-0"], pending, 29))
    assert np.array_equal(result.values, replay(as_table(payloads[:36]))[35])
    assert result.absorbed == pending[:5]


def test_a_retry_of_the_api_does_not_see_its_own_first_attempt() -> None:
    payloads = transactions(30, customers=1, seed=14, late_share=0)
    records: Records = {}
    run_batch(payloads, 0, records)
    last = as_transactions(payloads)[-1]
    again = OnlineKernel().compute_one(last, CustomerState(records["cus-0"], (pending_entry(last),), 29))
    assert np.array_equal(again.values, replay(as_table(payloads))[-1])


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
    assert np.array_equal(found.vectors, replay(as_table(payloads))[600:])


@pytest.mark.parametrize("blob", [b"short", b"\0" * HEADER.itemsize, b"\x01\x00\x53\x46" + b"\0" * 60])
def test_bytes_of_another_layout_are_refused(blob: bytes) -> None:
    payloads = transactions(1, customers=1, seed=17)
    with pytest.raises(StateCorrupt):
        run_batch(payloads, 0, {"cus-0": blob})
