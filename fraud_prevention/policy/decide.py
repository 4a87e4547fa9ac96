"""The decision itself: a pure function of transaction, features, scores and policy.

The API calls it with one row, the stream with thousands; it knows neither. Severity wins: the outcome is the
greatest of what the rules hit and the thresholds reached ask for, approve where there is nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fraud_prevention.policy.bundle import Policy
from fraud_prevention.policy.expressions import Coded, Column, Kind
from fraud_prevention.policy.vocabulary import SCORE_NAMES, TRANSACTION_KINDS
from fraud_prevention.ports import FloatArray, Scores


class Verdicts(NamedTuple):
    """Decisions of n rows: outcome uint8[n] (domain.decision.Outcome), rules hit and reasons of each."""

    outcome: npt.NDArray[np.uint8]
    rule_hits: list[tuple[str, ...]]
    reason_codes: list[tuple[str, ...]]


def evaluate(policy: Policy, columns: Mapping[str, Column], features: FloatArray, scores: Scores) -> Verdicts:
    """Decide n transactions.

    columns:  at least `policy.transaction_columns`, each of n (texts coded or as an array, None where absent).
    features: float64[n, F] in the order of `policy.feature_names`.
    scores:   of the same n rows.
    Raises KeyError for a missing column and ValueError for another width.
    """
    rows = len(features)
    if features.shape != (rows, len(policy.feature_names)):
        raise ValueError(f"features have shape {features.shape}, the policy needs (n, {len(policy.feature_names)})")
    visible = _visible_columns(policy, columns, features, scores)
    applies = np.array([clause.condition(visible) for clause in policy.clauses])  # bool[clauses, n]
    severity: npt.NDArray[np.uint8] = (applies * policy.outcomes[:, None]).max(axis=0, initial=0)
    rule_hits: list[tuple[str, ...]] = [()] * rows
    reason_codes: list[tuple[str, ...]] = [()] * rows
    stopped = np.flatnonzero(severity)
    hits = policy.bits @ applies[:, stopped].astype(np.int64)  # bit i of a row: clause i applies to it
    known: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    deviations = policy.deviations.strongest(features[stopped]) if stopped.size else []
    for row, mask, unusual in zip(stopped.tolist(), hits.tolist(), deviations, strict=True):
        found = known.get(mask)
        if found is None:
            found = known[mask] = policy.explain(mask)
        rule_hits[row], reasons = found
        reason_codes[row] = reasons + tuple(code for code in unusual if code not in reasons)
    return Verdicts(severity, rule_hits, reason_codes)


def columns_of(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Column]:
    """The named columns of wire dictionaries, as `evaluate` wants them."""
    found: dict[str, Column] = {}
    for name in names:
        if TRANSACTION_KINDS[name] is Kind.TEXT:
            places: dict[str | None, int] = {}
            codes = [places.setdefault(row.get(name), len(places)) for row in rows]
            found[name] = Coded(tuple(places), np.array(codes, np.intp))
        else:
            found[name] = np.array([row[name] for row in rows], np.float64)
    return found


def _visible_columns(
    policy: Policy, columns: Mapping[str, Column], features: FloatArray, scores: Scores
) -> dict[str, Column]:
    """The columns the policy reads, numbers as float64 so that one row and many compute alike."""
    visible: dict[str, Column] = {}
    for name in policy.transaction_columns:
        column = columns[name]
        is_text = TRANSACTION_KINDS[name] is Kind.TEXT
        visible[name] = column if is_text or isinstance(column, Coded) else column.astype(np.float64)
    # One copy for all: the rules read each column several times, from memory in a row.
    read = np.ascontiguousarray(features[:, list(policy.feature_columns.values())].T)
    for name, values in zip(policy.feature_columns, read, strict=True):
        visible[name] = values != 0.0 if policy.vocabulary[name] is Kind.FLAG else values
    for name in SCORE_NAMES:
        visible[name] = getattr(scores, name)
    return visible
