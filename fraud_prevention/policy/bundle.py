"""A policy: rules and score thresholds read from one file, checked against their own examples.

A file that loads is a file that works: every expression compiles, every reason code is in the catalogue,
every example decides as it says. The version is a hash of the content, so equal files are equal versions.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
import orjson
import yaml

from fraud_prevention.domain.decision import Outcome
from fraud_prevention.domain.errors import InvalidPolicy
from fraud_prevention.domain.reasons import REASONS
from fraud_prevention.policy.deviations import DeviationTable
from fraud_prevention.policy.expressions import Column, Expression, Kind, compile_expression
from fraud_prevention.policy.schema import PolicyFile, RuleEntry, read_policy_file
from fraud_prevention.policy.vocabulary import TRANSACTION_KINDS, vocabulary_of

MAX_CLAUSES: Final = 62  # a row's hits are the bits of one int64


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition with its consequence: a rule, or a threshold of the score."""

    id: str
    is_rule: bool
    description: str
    condition: Expression
    outcome: Outcome
    reason_code: str


class Policy:
    """What decides: clauses in the order of the file, bound to one feature catalogue. Immutable."""

    def __init__(self, version: str, clauses: tuple[Clause, ...], feature_names: tuple[str, ...]) -> None:
        self.version = version
        self.clauses = clauses
        self.feature_names = feature_names
        self.vocabulary: Mapping[str, Kind] = vocabulary_of(feature_names)
        self.deviations = DeviationTable(feature_names)
        self.outcomes = np.array([clause.outcome for clause in clauses], np.uint8)
        self.bits = np.left_shift(np.int64(1), np.arange(len(clauses)))
        read = frozenset[str]().union(*(clause.condition.names for clause in clauses))
        self.feature_columns = {name: i for i, name in enumerate(feature_names) if name in read}
        self.transaction_columns = tuple(
            name for name in TRANSACTION_KINDS if name in read and name not in self.feature_columns
        )

    @property
    def rules(self) -> tuple[Clause, ...]:
        return tuple(clause for clause in self.clauses if clause.is_rule)

    def explain(self, mask: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Rule ids and distinct reason codes of the clauses whose bits are set, the most severe first."""
        hit = [clause for bit, clause in enumerate(self.clauses) if mask >> bit & 1]
        hit.sort(key=lambda clause: -clause.outcome)
        return (
            tuple(clause.id for clause in hit if clause.is_rule),
            tuple(dict.fromkeys(clause.reason_code for clause in hit)),
        )


def load_policy(path: Path, feature_names: tuple[str, ...]) -> Policy:
    """Read, compile and try a policy file.

    Raises InvalidPolicy naming the rule and what is wrong with it: not readable, an expression outside the
    language, an unknown reason code, or an example that decides otherwise than it says.
    """
    return parse_policy(policy_text(path), feature_names)


def policy_text(path: Path) -> str:
    """The file's content. Raises InvalidPolicy where it cannot be read."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise InvalidPolicy(str(path), f"cannot be read: {error.strerror}") from error


def parse_policy(text: str, feature_names: tuple[str, ...]) -> Policy:
    """The same for the text of a policy file."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidPolicy("policy", f"is not YAML: {error}") from error
    content = read_policy_file(document)
    vocabulary = vocabulary_of(feature_names)
    clauses = tuple(_clause(entry, vocabulary) for entry in content.rules)
    clauses += tuple(_threshold(content, i, vocabulary) for i in range(len(content.thresholds)))
    _check_clauses(clauses)
    for clause, entry in zip(clauses, content.rules, strict=False):
        _try_examples(clause, entry, vocabulary)
    canonical = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return Policy("policy-" + sha256(canonical).hexdigest()[:12], clauses, feature_names)


@functools.cache
def _outcome(wire: str) -> Outcome:
    return Outcome[wire.upper()]


def _clause(entry: RuleEntry, vocabulary: Mapping[str, Kind]) -> Clause:
    condition = compile_expression(entry.expression, vocabulary, f"rule {entry.id}")
    return Clause(entry.id, True, entry.description, condition, _outcome(entry.outcome), entry.reason_code)


def _threshold(content: PolicyFile, index: int, vocabulary: Mapping[str, Kind]) -> Clause:
    entry = content.thresholds[index]
    text = f"risk_score >= {entry.risk_score!r} and probability >= {entry.probability!r}"
    condition = compile_expression(text, vocabulary, f"threshold {entry.id}")
    return Clause(entry.id, False, entry.description, condition, _outcome(entry.outcome), entry.reason_code)


def _check_clauses(clauses: tuple[Clause, ...]) -> None:
    if len(clauses) > MAX_CLAUSES:
        raise InvalidPolicy("policy", f"has {len(clauses)} rules and thresholds, {MAX_CLAUSES} is the limit")
    seen: set[str] = set()
    for clause in clauses:
        where = f"rule {clause.id}" if clause.is_rule else f"threshold {clause.id}"
        if clause.id in seen:
            raise InvalidPolicy(where, "has the id of another one")
        seen.add(clause.id)
        reason = REASONS.get(clause.reason_code)
        if reason is None or reason.origin != ("rule" if clause.is_rule else "score"):
            raise InvalidPolicy(where, f"has the reason code {clause.reason_code}, which the catalogue does not have")


def _try_examples(clause: Clause, entry: RuleEntry, vocabulary: Mapping[str, Kind]) -> None:
    """Names an example leaves out are 0, "no" or an empty text."""
    for number, example in enumerate(entry.examples, 1):
        where = f"rule {clause.id}, example {number}"
        unused = sorted(example.given.keys() - clause.condition.names)
        if unused:
            raise InvalidPolicy(where, f"gives {', '.join(unused)}, which the rule does not read")
        row = {name: _cell(example.given.get(name), vocabulary[name], where) for name in clause.condition.names}
        if bool(clause.condition(row)[0]) is not example.hits:
            raise InvalidPolicy(where, f"says {'hit' if example.hits else 'no hit'}, the rule says otherwise")


def _cell(value: str | float | bool | None, kind: Kind, where: str) -> Column:
    if kind is Kind.TEXT:
        if not isinstance(value, str | None):
            raise InvalidPolicy(where, f"gives {value!r} where {kind.value} is needed")
        return np.array([value or ""], object)
    if isinstance(value, str):
        raise InvalidPolicy(where, f"gives {value!r} where {kind.value} is needed")
    return np.array([value or 0], np.bool_ if kind is Kind.FLAG else np.float64)
