"""How good scores are, in the terms of the published benchmark and of a fraud team.

Pure functions over arrays; the offline evaluation and the figures of live decisions are computed here and
nowhere else, so that they can be compared.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

F8 = npt.NDArray[np.float64]
# Ids of cards or customers, days as numbers: anything that sorts.
Keys = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of one span of days. `transactions` counts rows, `frauds` those with label 1."""

    auc: float
    average_precision: float
    card_precision_at_100: float
    recall_at_1pct_good_customers: float
    transactions: int
    frauds: int

    def as_figures(self) -> dict[str, float]:
        """Names and values, for a manifest, a table or a JSON line."""
        return asdict(self)


def evaluate(days: Keys, cards: Keys, customers: Keys, scores: F8, labels: Flags) -> Evaluation:
    """All figures of n transactions: their day, card, customer, score and label, one array [n] each.

    Raises ValueError unless there are both frauds and good transactions.
    """
    if labels.all() or not labels.any():
        raise ValueError("figures need both frauds and good transactions")
    return Evaluation(
        auc=float(roc_auc_score(labels, scores)),
        average_precision=float(average_precision_score(labels, scores)),
        card_precision_at_100=card_precision_top_k(days, cards, scores, labels),
        recall_at_1pct_good_customers=recall_at_good_share(customers, scores, labels),
        transactions=len(labels),
        frauds=int(labels.sum()),
    )


def card_precision_top_k(days: Keys, cards: Keys, scores: F8, labels: Flags, k: int = 100) -> float:
    """Share of fraud among the k cards an analyst team would check each day, mean over the days.

    Each day, in order: cards caught on earlier days are left out; a card has its highest score and its highest
    label; of the k cards with the highest scores, those with a fraud are caught. The day counts caught / k, even
    where fewer than k cards are left. Equal scores are taken in the order of the card's id, so that the figure
    does not depend on the order of the rows. Source: Fraud Detection Handbook, chapter 4 (card precision top-k).
    """
    distinct, code = np.unique(cards, return_inverse=True)
    is_caught = np.zeros(len(distinct), dtype=np.bool_)
    shares = []
    for day in np.unique(days):
        rows = np.flatnonzero((days == day) & ~is_caught[code])
        seen, place = np.unique(code[rows], return_inverse=True)
        top_score = np.full(len(seen), -np.inf)
        np.maximum.at(top_score, place, scores[rows])
        is_fraud = np.zeros(len(seen), dtype=np.bool_)
        np.logical_or.at(is_fraud, place, labels[rows])
        chosen = np.lexsort((seen, -top_score))[:k]
        caught = seen[chosen[is_fraud[chosen]]]
        is_caught[caught] = True
        shares.append(len(caught) / k)
    return float(np.mean(shares))


def recall_at_good_share(customers: Keys, scores: F8, labels: Flags, share: float = 0.01) -> float:
    """Share of fraudulent transactions above the threshold that hits at most `share` of the good customers.

    A customer is good when none of its transactions here is a fraud, and hit when one of them scores above the
    threshold.
    """
    distinct, code = np.unique(customers, return_inverse=True)
    has_fraud = np.zeros(len(distinct), dtype=np.bool_)
    np.logical_or.at(has_fraud, code, labels)
    top_score = np.full(len(distinct), -np.inf)
    np.maximum.at(top_score, code, scores)
    good = np.sort(top_score[~has_fraud])[::-1]
    allowed = int(share * len(good))
    threshold = good[allowed] if allowed < len(good) else -np.inf
    return float(np.mean(scores[labels] > threshold))
