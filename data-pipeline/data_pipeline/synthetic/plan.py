"""Plans a week of fraud: which stories are told, until their rows make up the share that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from data_pipeline.synthetic.population import Customers, Merchants
from data_pipeline.synthetic.randomness import Draws
from data_pipeline.synthetic.rows import Rows, empty_rows, in_log_order
from data_pipeline.synthetic.stories import account_takeover, card_testing, compromised_terminal, device_ring, lost_card
from data_pipeline.synthetic.stories.scene import Block, CustomerEvent, Scene

WEEK_DAYS = 7
MAX_STORIES = 100_000  # of one week: the number is part of every story's name


class Tale(NamedTuple):
    """A kind of story, its share of all fraud rows, and how many rows one has, roughly."""

    share: float
    typical_rows: int
    tell: Callable[[Scene], Rows]


TALES: Final = (
    Tale(0.24, 50, card_testing.tell),
    Tale(0.21, 4, account_takeover.tell),
    Tale(0.15, 6, lost_card.tell),
    Tale(0.24, 24, compromised_terminal.tell),
    Tale(0.16, 16, device_ring.tell),
)


@dataclass(frozen=True)
class Plan:
    """Fraud whose stories begin in one week; rows in log order."""

    rows: Rows
    events: tuple[CustomerEvent, ...]
    blocks: tuple[Block, ...]


def week_of(day: int) -> int:
    """Number of the week (Monday to Sunday) of a day since 1970."""
    return (day + 3) // WEEK_DAYS


def monday_of(week: int) -> int:
    """First day of a week, days since 1970."""
    return week * WEEK_DAYS - 3


def plan_week(
    draws: Draws,
    customers: Customers,
    merchants: Merchants,
    week: int,
    quota: int,
    variant: int,
    visits: Callable[[int], Rows],
) -> Plan:
    """Tell stories until they hold `quota` rows; the last one is cut off there.

    Stories start in even steps of the quota over the week, so that every day gets its share. `variant`
    keeps the ids of plans for different fraud rates apart. `visits(day)` gives the card-present rows of
    the weeks before the day.
    """
    told = draws.generator("told before", week).uniform(0, [tale.typical_rows for tale in TALES])
    shares = np.array([tale.share for tale in TALES])
    parts: list[Rows] = []
    events: list[CustomerEvent] = []
    blocks: list[Block] = []
    total = 0
    while total < quota:
        chosen = int(np.argmin(told / shares))
        day = monday_of(week) + total * WEEK_DAYS // quota
        number = week * MAX_STORIES + len(parts)
        rng = draws.generator("story", week, len(parts), variant)
        scene = Scene(draws, customers, merchants, rng, number, day, quota - total, lambda d=day: visits(d))  # type: ignore[misc]  # a bound default
        rows = in_log_order(TALES[chosen].tell(scene))[: quota - total]
        rows["id"] = draws.keyed(number, np.arange(len(rows)), variant).word("story row")
        parts.append(rows)
        events += scene.events
        blocks += scene.blocks
        told[chosen] += len(rows)
        total += len(rows)
    return Plan(in_log_order(np.concatenate([empty_rows(), *parts])), tuple(events), tuple(blocks))
