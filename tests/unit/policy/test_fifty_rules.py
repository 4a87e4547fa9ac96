"""The benchmarks' fifty rules load, and decide a batch as each row decides by itself in plain Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from config import ROOT
from fraud_prevention.policy.bundle import Policy, load_policy
from fraud_prevention.policy.decide import columns_of, evaluate
from fraud_prevention.policy.expressions import Kind
from fraud_prevention.ports import FloatArray, Scores
from model.features.catalogue import FEATURE_NAMES
from model.features.replay_engines import Replay
from tests.fixtures.events import as_table, transactions

RULES = ROOT / "ci_cd_testing_deployment" / "performance_testing" / "rules_50.yaml"
ROWS = 2_000


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy(RULES, FEATURE_NAMES)


@pytest.fixture(scope="module")
def batch() -> tuple[list[dict[str, Any]], FloatArray, Scores]:
    """A dense world, made stranger, so that most rules find something."""
    draw = np.random.default_rng(5)
    payloads = transactions(ROWS, customers=25, seed=5)
    for payload in payloads:
        payload |= {
            "mcc": str(draw.choice(["5411", "6011", "7995", "8398", "5542", "6051", "5944"])),
            "card_bin": str(draw.choice(["411111", "400000"])),
            "merchant_country": str(draw.choice(["FR", "VE", "US"])),
            "amount_minor": int(payload["amount_minor"] * draw.integers(0, 2)),
        }
    features = Replay().add(as_table(payloads)).vectors
    stretched = np.where(draw.random(features.shape) < 0.1, features * 4, features)
    for column, name in enumerate(FEATURE_NAMES):
        if name.startswith("is_"):
            stretched[:, column] = draw.random(ROWS) < 0.5
    risk_score = draw.random(ROWS) ** 0.05
    return payloads, stretched, Scores(risk_score, risk_score**9, risk_score)


def said_by(text: str, row: dict[str, Any]) -> bool:
    return bool(eval(text, {"__builtins__": {}}, row))  # noqa: S307 — the text is a file of this repository


def test_there_are_fifty(policy: Policy) -> None:
    assert len(policy.rules) == 50


def test_batch_hits_the_rules_that_each_row_hits_in_plain_python(
    policy: Policy, batch: tuple[list[dict[str, Any]], FloatArray, Scores]
) -> None:
    payloads, features, scores = batch
    verdicts = evaluate(policy, columns_of(payloads, policy.transaction_columns), features, scores)
    for i, payload in enumerate(payloads):
        row = {name: payload.get(name) for name in policy.transaction_columns}
        for name, value in zip(FEATURE_NAMES, features[i].tolist(), strict=True):
            row[name] = value != 0 if policy.vocabulary[name] is Kind.FLAG else value
        row |= {"risk_score": scores.risk_score[i], "probability": scores.probability[i]}
        hit = [clause for clause in policy.clauses if said_by(clause.condition.text, row)]
        assert verdicts.outcome[i] == max((clause.outcome for clause in hit), default=0)
        assert sorted(verdicts.rule_hits[i]) == sorted(clause.id for clause in hit if clause.is_rule)
        assert {clause.reason_code for clause in hit} <= set(verdicts.reason_codes[i])
    assert len({rule for hits in verdicts.rule_hits for rule in hits}) > 25
