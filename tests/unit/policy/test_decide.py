"""Decisions: severity, reasons, batches of any size, and the records they become."""

from __future__ import annotations

from collections import Counter
from typing import Any

import jsonschema_rs
import numpy as np
import orjson
import pytest

from config import ROOT
from fraud_prevention.domain.decision import Outcome
from fraud_prevention.policy.assemble import DecisionContext, assemble, payments_of
from fraud_prevention.policy.bundle import Policy, load_policy
from fraud_prevention.policy.decide import Verdicts, columns_of, evaluate
from fraud_prevention.policy.json_rows import MANY_ROWS
from fraud_prevention.policy.record_versions import record_versions
from fraud_prevention.ports import FloatArray, Scores
from model.features.catalogue import CATALOGUE_VERSION, FEATURE_NAMES
from tests.fixtures.assembled import expected_records

CONTRACTS = ROOT / "data-pipeline" / "contracts" / "schemas"
COLUMN = {name: i for i, name in enumerate(FEATURE_NAMES)}
TRANSACTION: dict[str, Any] = {
    "transaction_id": "tx-1",
    "event_time": 1_751_544_000_000,
    "utc_offset_min": 60,
    "customer_id": "c1",
    "card_token": "k1",
    "merchant_id": "m1",
    "mcc": "5411",
    "amount_minor": 5000,
    "currency": "EUR",
    "amount_base_minor": 5000,
    "merchant_country": "AT",
    "channel": "chip",
}


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy(ROOT / "fraud_prevention" / "policy" / "rules.yaml", FEATURE_NAMES)


def features_of(**values: float) -> FloatArray:
    """One quiet customer's vector [1, F] with some values of its own."""
    vector = np.zeros((1, len(FEATURE_NAMES)))
    vector[0, COLUMN["customer_txn_count_total"]] = 100
    vector[0, COLUMN["hour_share_30d"]] = 0.3
    for name, value in values.items():
        vector[0, COLUMN[name]] = value
    return vector


def scores_of(risk_score: float = 0.2, probability: float = 0.001) -> Scores:
    return Scores(np.array([0.0]), np.array([probability]), np.array([risk_score]))


def decide_one(policy: Policy, features: FloatArray, scores: Scores, **changes: Any) -> Verdicts:
    row = {**TRANSACTION, **changes}
    return evaluate(policy, columns_of([row], policy.transaction_columns), features, scores)


def test_quiet_transaction_is_approved_without_reasons(policy: Policy) -> None:
    verdicts = decide_one(policy, features_of(), scores_of())
    assert verdicts.outcome.tolist() == [Outcome.APPROVE]
    assert verdicts.rule_hits == [()]
    assert verdicts.reason_codes == [()]


@pytest.mark.parametrize(
    ("risk_score", "probability", "outcome", "reasons"),
    [
        (0.984, 0.9, Outcome.APPROVE, ()),
        (0.985, 0.03, Outcome.CHALLENGE, ("SCORE_ELEVATED",)),
        (0.995, 0.19, Outcome.CHALLENGE, ("SCORE_ELEVATED",)),
        (0.995, 0.20, Outcome.REVIEW, ("SCORE_HIGH", "SCORE_ELEVATED")),
        (1.0, 1.0, Outcome.DECLINE, ("SCORE_EXTREME", "SCORE_HIGH", "SCORE_ELEVATED")),
    ],
)
def test_both_scores_must_reach_the_threshold(
    policy: Policy, risk_score: float, probability: float, outcome: Outcome, reasons: tuple[str, ...]
) -> None:
    verdicts = decide_one(policy, features_of(), scores_of(risk_score, probability))
    assert verdicts.outcome.tolist() == [outcome]
    assert verdicts.rule_hits == [()]
    assert verdicts.reason_codes == [reasons]


def test_most_severe_outcome_wins_and_its_rule_stands_first(policy: Policy) -> None:
    features = features_of(card_txn_count_5m=7, card_txn_count_1h=7, small_amount_count_1h=6, is_remote=1)
    verdicts = decide_one(policy, features, scores_of(), channel="ecom")
    assert verdicts.outcome.tolist() == [Outcome.DECLINE]
    assert verdicts.rule_hits == [("card_testing", "velocity_burst")]
    assert verdicts.reason_codes[0][:2] == ("CARD_TESTING", "VELOCITY_BURST")


def test_unusual_features_explain_a_stop_strongest_first_and_four_at_most(policy: Policy) -> None:
    features = features_of(
        card_txn_count_5m=5,
        amount_to_card_mean_30d=30.0,
        distance_from_usual_km=900.0,
        is_new_country_30d=1,
        is_new_merchant_30d=1,
        is_new_mcc_30d=1,
    )
    verdicts = decide_one(policy, features, scores_of())
    assert verdicts.reason_codes == [
        ("VELOCITY_BURST", "AMOUNT_ABOVE_USUAL", "FAR_FROM_USUAL", "NEW_COUNTRY", "NEW_CATEGORY")
    ]


def test_missing_share_of_the_hour_is_no_unusual_hour(policy: Policy) -> None:
    verdicts = decide_one(policy, features_of(card_txn_count_5m=5, hour_share_30d=-1.0), scores_of())
    assert "UNUSUAL_HOUR" not in verdicts.reason_codes[0]
    verdicts = decide_one(policy, features_of(card_txn_count_5m=5, hour_share_30d=0.0), scores_of())
    assert "UNUSUAL_HOUR" in verdicts.reason_codes[0]


def random_batch(rows: int) -> tuple[list[dict[str, Any]], FloatArray, Scores]:
    draw = np.random.default_rng(11)
    features = np.floor(draw.gamma(0.6, 4.0, (rows, len(FEATURE_NAMES))))
    features[:, COLUMN["amount_base_minor"]] *= 20_000
    for name, i in COLUMN.items():
        if name.startswith("is_"):
            features[:, i] = draw.random(rows) < 0.3
    risk_score = draw.random(rows) ** 0.2
    channels = draw.choice(["chip", "ecom", "atm"], rows)
    transactions = [
        {**TRANSACTION, "transaction_id": f"tx-{i}", "customer_id": f"c{i % 97}", "channel": str(channels[i])}
        for i in range(rows)
    ]
    return transactions, features, Scores(risk_score, risk_score**2, risk_score)


def test_one_row_at_a_time_decides_exactly_like_ten_thousand(policy: Policy) -> None:
    transactions, features, scores = random_batch(10_000)
    batch = evaluate(policy, columns_of(transactions, policy.transaction_columns), features, scores)
    assert len(Counter(batch.outcome.tolist())) == len(Outcome)
    for i in range(0, 10_000, 20):
        one = evaluate(
            policy,
            columns_of(transactions[i : i + 1], policy.transaction_columns),
            features[i : i + 1],
            Scores(*(array[i : i + 1] for array in scores)),
        )
        assert one.outcome[0] == batch.outcome[i]
        assert one.rule_hits[0] == batch.rule_hits[i]
        assert one.reason_codes[0] == batch.reason_codes[i]


def test_empty_batch_decides_nothing(policy: Policy) -> None:
    none = np.zeros(0)
    verdicts = evaluate(
        policy, columns_of([], policy.transaction_columns), np.zeros((0, len(FEATURE_NAMES))), Scores(none, none, none)
    )
    assert verdicts.outcome.size == 0


def test_vector_of_another_width_is_refused(policy: Policy) -> None:
    with pytest.raises(ValueError, match="shape"):
        evaluate(policy, columns_of([TRANSACTION], policy.transaction_columns), np.zeros((1, 3)), scores_of())


def test_records_fit_their_contracts_and_only_stops_raise_alerts(policy: Policy) -> None:
    transactions, features, scores = random_batch(300)
    verdicts = evaluate(policy, columns_of(transactions, policy.transaction_columns), features, scores)
    context = DecisionContext(
        "hgb-0", policy.version, CATALOGUE_VERSION, FEATURE_NAMES, "", "champion", "stream", "host-1"
    )
    versions = record_versions(np.full(300, -1), np.full((300, 4), -1))
    assembled = assemble(
        payments_of(transactions), features, scores, verdicts, context, versions, 1_751_544_000_100, [1.5] * 300
    )
    emissions = assembled.emissions()
    counts = Counter(emission.topic for emission in emissions)
    assert counts == {
        "decisions.v1": 300,
        "features.v1": 300,
        "alerts.v1": int(np.count_nonzero(verdicts.outcome)),
    }
    for topic in counts:
        validator = jsonschema_rs.validator_for(orjson.loads((CONTRACTS / f"{topic}.json").read_bytes()))
        for emission in emissions:
            if emission.topic == topic:
                payload = orjson.loads(emission.value)
                assert [error.message for error in validator.iter_errors(payload)] == []
                assert emission.key.decode() == payload["customer_id"]


def test_served_vector_survives_the_wire_bit_for_bit(policy: Policy) -> None:
    _, _, scores = random_batch(1)
    features = np.random.default_rng(3).gamma(0.1, 1e6, (1, len(FEATURE_NAMES)))
    verdicts = evaluate(policy, columns_of([TRANSACTION], policy.transaction_columns), features, scores)
    context = DecisionContext(
        "hgb-0", policy.version, CATALOGUE_VERSION, FEATURE_NAMES, "", "champion", "api", "host-1"
    )
    for rows in (1, MANY_ROWS):
        assembled = assemble(
            payments_of([TRANSACTION] * rows),
            features.repeat(rows, axis=0),
            Scores(*(array.repeat(rows) for array in scores)),
            Verdicts(verdicts.outcome.repeat(rows), verdicts.rule_hits * rows, verdicts.reason_codes * rows),
            context,
            b'{"customer":7}',
            0,
            [0.0] * rows,
        )
        for value in assembled.features:
            served = np.array(orjson.loads(value)["vector"], np.float64)
            assert np.array_equal(served.view(np.int64), features[0].view(np.int64))


@pytest.mark.parametrize("rows", [1, MANY_ROWS - 1, MANY_ROWS, 2_000])
def test_records_say_what_is_built_one_dictionary_at_a_time(policy: Policy, rows: int) -> None:
    transactions, features, scores = random_batch(rows)
    transactions = [{**t, "merchant_id": f"m{i % 7}", "amount_minor": i} for i, t in enumerate(transactions)]
    verdicts = evaluate(policy, columns_of(transactions, policy.transaction_columns), features, scores)
    context = DecisionContext(
        "hgb-0", policy.version, CATALOGUE_VERSION, FEATURE_NAMES, "", "champion", "api", "host-1", ("state",)
    )
    versions, latency_ms = record_versions(np.arange(rows), np.full((rows, 4), 3), [4, -1]), np.arange(rows) / 7
    found = assemble(payments_of(transactions), features, scores, verdicts, context, versions, 17, latency_ms)
    assert len(found.keys) == len(found.decisions) == len(found.features) == rows
    for i, transaction in enumerate(transactions):
        decision, served, alert = expected_records(
            transaction, features[i], scores, verdicts, context, versions[i], 17, latency_ms[i], i
        )
        assert orjson.loads(found.decisions[i]) == decision
        assert list(orjson.loads(found.decisions[i])["meta"]) == ["decided_at", "latency_ms", "host"]
        assert orjson.loads(found.features[i]) == served
        assert (orjson.loads(found.alerts[i]) if i in found.alerts else None) == alert
        assert found.keys[i].decode() == transaction["customer_id"]
    by_topic = {
        (topic, key, value) for topic, keys, values in found.by_topic() for key, value in zip(keys, values, strict=True)
    }
    assert by_topic == set(map(tuple, found.emissions()))
