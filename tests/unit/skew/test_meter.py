"""Served and recomputed vectors are matched, and what differs is counted where it differs."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from data_pipeline.skew.meter import MALFORMED, NOT_RECOMPUTED, NOT_SERVED, OTHER_CATALOGUE, SkewMeter
from data_pipeline.skew.recompute import Recomputed
from model.features.catalogue import CATALOGUE_VERSION, FEATURE_COUNT, FEATURE_NAMES

Vector = NDArray[np.float64]
PLANTED = 17


def vector(seed: int = 1) -> Vector:
    return np.random.default_rng(seed).normal(size=FEATURE_COUNT)


def changed(place: int, value: float, seed: int = 1) -> Vector:
    other = vector(seed)
    other[place] = value
    return other


def record(name: str, values: Vector, **changes: Any) -> bytes:
    told = {"transaction_id": name, "decision_version": 1, "decided_by": "stream"}
    told |= {"catalogue_version": CATALOGUE_VERSION, "vector": values.tolist()}
    return orjson.dumps(told | changes)


def recomputed(**vectors: Vector) -> Recomputed:
    return Recomputed(list(vectors), np.array(list(vectors.values())))


@pytest.fixture
def meter() -> SkewMeter:
    return SkewMeter(share=1.0, capacity=10)


def counts(meter: SkewMeter, by: str = "stream") -> dict[str, int]:
    """Mismatches by feature, where there are any."""
    found = zip(FEATURE_NAMES, meter.tally.mismatches[by].tolist(), strict=True)
    return {name: count for name, count in found if count}


@pytest.mark.parametrize("is_served_first", [True, False])
def test_equal_vectors_match_whichever_comes_first(meter: SkewMeter, is_served_first: bool) -> None:
    if is_served_first:
        meter.take_served([record("a", vector())])
    meter.take_recomputed(recomputed(a=vector()))
    if not is_served_first:
        meter.take_served([record("a", vector())])
    meter.close()
    assert meter.tally.summary() == {"compared": 1, "mismatched_vectors": 0, "features": {}, "unmatched": {}}


@pytest.mark.parametrize("is_served_first", [True, False])
@pytest.mark.parametrize("by", ["stream", "api"])
def test_a_planted_mismatch_counts_for_its_feature_and_no_other(
    meter: SkewMeter, by: str, is_served_first: bool
) -> None:
    values = vector()[PLANTED]
    served = record("a", changed(PLANTED, float(np.nextafter(values, np.inf))), decided_by=by)
    if is_served_first:
        meter.take_served([served, record("b", vector(2))])
    meter.take_recomputed(recomputed(a=vector(), b=vector(2)))
    if not is_served_first:
        meter.take_served([served, record("b", vector(2))])
    assert counts(meter, by) == {FEATURE_NAMES[PLANTED]: 1}
    assert counts(meter, "api" if by == "stream" else "stream") == {}
    assert meter.tally.mismatched_vectors == 1
    assert sum(meter.tally.compared.values()) == 2


def test_no_number_matches_no_number_only(meter: SkewMeter) -> None:
    nothing = changed(PLANTED, np.nan)
    meter.take_recomputed(recomputed(both=nothing, one=vector()))
    meter.take_served([record("both", nothing), record("one", nothing)])
    assert counts(meter) == {FEATURE_NAMES[PLANTED]: 1}


def test_a_zero_with_a_sign_is_another_number(meter: SkewMeter) -> None:
    meter.take_recomputed(recomputed(a=changed(PLANTED, 0.0)))
    meter.take_served([record("a", changed(PLANTED, -0.0))])
    assert counts(meter) == {FEATURE_NAMES[PLANTED]: 1}


def test_a_repeated_record_counts_once(meter: SkewMeter) -> None:
    meter.take_served([record("a", vector()), record("a", vector(2))])
    meter.take_recomputed(recomputed(a=vector()))
    meter.take_served([record("a", vector(2))])
    meter.close()
    assert meter.tally.summary() == {"compared": 1, "mismatched_vectors": 0, "features": {}, "unmatched": {}}


def test_the_sample_is_the_same_in_every_run_and_about_its_share() -> None:
    ids = [f"t-{i}" for i in range(20_000)]
    first, second, wider = (
        {name for name in ids if SkewMeter(share, 1).is_sampled(name)} for share in (0.05, 0.05, 0.1)
    )
    assert first == second
    assert first < wider
    assert 0.04 < len(first) / len(ids) < 0.06


def test_what_is_not_in_the_sample_is_not_kept() -> None:
    meter = SkewMeter(share=0.5, capacity=1_000)
    names = [f"t-{i}" for i in range(100)]
    meter.take_recomputed(recomputed(**dict.fromkeys(names, vector())))
    meter.take_served([record(name, vector()) for name in names])
    meter.close()
    sampled = sum(map(meter.is_sampled, names))
    assert 0 < sampled < 100
    assert meter.tally.summary() == {"compared": sampled, "mismatched_vectors": 0, "features": {}, "unmatched": {}}


def test_what_waits_is_bounded_and_the_oldest_is_dropped(meter: SkewMeter) -> None:
    names = [f"t-{i}" for i in range(15)]
    meter.take_recomputed(recomputed(**dict.fromkeys(names, vector())))
    assert meter.tally.unmatched[NOT_SERVED] == 5
    assert (meter.is_short_of_served, meter.is_short_of_recomputed) == (True, False)
    meter.take_served([record(name, vector()) for name in names[5:]])
    assert meter.tally.compared["stream"] == 10
    assert (meter.is_short_of_served, meter.is_short_of_recomputed) == (False, False)
    meter.take_served([record(f"s-{i}", vector()) for i in range(15)])
    assert meter.tally.unmatched[NOT_RECOMPUTED] == 5
    assert (meter.is_short_of_served, meter.is_short_of_recomputed) == (False, True)
    meter.close()
    assert meter.tally.unmatched == {OTHER_CATALOGUE: 0, MALFORMED: 0, NOT_SERVED: 5, NOT_RECOMPUTED: 15}


@pytest.mark.parametrize("is_served_first", [True, False])
def test_another_catalogue_is_counted_apart(meter: SkewMeter, is_served_first: bool) -> None:
    served = record("a", np.ones(3), catalogue_version="fc-other")
    if is_served_first:
        meter.take_served([served])
    meter.take_recomputed(recomputed(a=vector()))
    if not is_served_first:
        meter.take_served([served])
    meter.close()
    assert meter.tally.summary() == {
        "compared": 0,
        "mismatched_vectors": 0,
        "features": {},
        "unmatched": {OTHER_CATALOGUE: 1},
    }


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"{",
        b"[]",
        b"{}",
        record("a", vector())[:-1],
        record("a", np.ones(FEATURE_COUNT - 1)),
        record("a", vector(), vector="none"),
        record("a", vector(), vector=[["1"]]),
        record("a", vector(), decided_by="somebody"),
        record("a", vector(), catalogue_version=None),
    ],
)
def test_what_is_no_served_vector_is_counted_apart(meter: SkewMeter, value: bytes | None) -> None:
    meter.take_served([value])
    assert meter.tally.unmatched[MALFORMED] == 1
    assert sum(meter.tally.compared.values()) == 0


def test_an_id_is_found_however_the_record_is_written(meter: SkewMeter) -> None:
    name = 'a"transaction_id":"b'
    spaced = record("c", vector()).replace(b":", b": ")
    meter.take_recomputed(recomputed(**{name: vector(), "c": vector()}))
    meter.take_served([record(name, vector()), spaced])
    assert meter.tally.summary() == {"compared": 2, "mismatched_vectors": 0, "features": {}, "unmatched": {}}
