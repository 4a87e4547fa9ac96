"""Policy files: what loads, what is refused, and that the catalogue of reasons fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from config import ROOT
from fraud_prevention.domain.errors import InvalidPolicy
from fraud_prevention.domain.reasons import REASONS, analyst_text, customer_text
from fraud_prevention.policy.bundle import load_policy, parse_policy
from fraud_prevention.policy.deviations import DEVIATIONS
from model.features.catalogue import FEATURE_NAMES

RULES = ROOT / "fraud_prevention" / "policy" / "rules.yaml"


@pytest.fixture
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(RULES.read_text("utf-8"))
    return found


def parse(document: dict[str, Any]) -> str:
    return parse_policy(yaml.safe_dump(document), FEATURE_NAMES).version


def test_shipped_policy_has_ten_rules_and_a_threshold_for_each_stopping_outcome() -> None:
    policy = load_policy(RULES, FEATURE_NAMES)
    assert len(policy.rules) == 10
    thresholds = [clause.outcome.wire for clause in policy.clauses if not clause.is_rule]
    assert thresholds == ["challenge", "review", "decline"]


def test_version_follows_the_content_not_the_layout(document: dict[str, Any]) -> None:
    version = load_policy(RULES, FEATURE_NAMES).version
    assert parse(document) == version
    document["rules"][0]["outcome"] = "review"
    assert parse(document) != version


def test_rule_that_breaks_its_own_example_is_refused(document: dict[str, Any]) -> None:
    document["rules"][0]["expression"] = "is_remote and small_amount_count_1h >= 40 and card_txn_count_1h >= 5"
    with pytest.raises(InvalidPolicy, match="card_testing, example 1: says hit"):
        parse(document)


def test_example_that_gives_a_name_the_rule_does_not_read_is_refused(document: dict[str, Any]) -> None:
    document["rules"][0]["examples"][0]["given"]["is_cash"] = True
    with pytest.raises(InvalidPolicy, match="is_cash, which the rule does not read"):
        parse(document)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"outcome": "approve"}, "rules.0.outcome"),
        ({"reason_code": "NO_SUCH_REASON"}, "rule card_testing"),
        ({"reason_code": "SCORE_HIGH"}, "rule card_testing"),
        ({"id": "velocity_burst"}, "rule velocity_burst"),
        ({"priority": 3}, "rules.0.priority"),
        ({"examples": []}, "rules.0.examples"),
        ({"expression": "no_such_feature > 1"}, "rule card_testing"),
    ],
)
def test_wrong_rule_is_refused_by_name(document: dict[str, Any], change: dict[str, Any], where: str) -> None:
    document["rules"][0].update(change)
    with pytest.raises(InvalidPolicy) as refusal:
        parse(document)
    assert refusal.value.where == where


@pytest.mark.parametrize("text", ["", "- 1", "format: 1", "rules: {", "format: 2\nrules: []\nthresholds: []"])
def test_file_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(InvalidPolicy):
        parse_policy(text, FEATURE_NAMES)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidPolicy, match=r"none\.yaml"):
        load_policy(tmp_path / "none.yaml", FEATURE_NAMES)


def test_every_reason_code_is_raised_by_something() -> None:
    policy = load_policy(RULES, FEATURE_NAMES)
    raised = {clause.reason_code for clause in policy.clauses} | {d.reason_code for d in DEVIATIONS}
    assert raised == set(REASONS)


def test_reasons_quote_features_of_the_catalogue() -> None:
    quoted = {name for reason in REASONS.values() for name in reason.placeholders}
    assert quoted <= set(FEATURE_NAMES)


def test_analyst_reads_the_figure_and_a_missing_one_is_not_invented() -> None:
    assert analyst_text("AMOUNT_ABOVE_USUAL", {"amount_to_card_mean_30d": 3.24}) == "Amount 3.2 times the card's mean"
    assert analyst_text("AMOUNT_ABOVE_USUAL", {}) == "Amount ? times the card's mean"
    assert analyst_text("FROM_A_LATER_VERSION", {}) == "FROM_A_LATER_VERSION"
    assert customer_text("FROM_A_LATER_VERSION")
