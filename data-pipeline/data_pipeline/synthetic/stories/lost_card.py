"""A lost card: the finder pays near the owner's home, at merchants the owner never goes to, until it is blocked."""

from __future__ import annotations

import numpy as np

from data_pipeline.synthetic.commerce import INDEX
from data_pipeline.synthetic.rows import ATM_CHANNEL, CONTACTLESS, HOUR_MS, SWIPE, Rows, round_cash
from data_pipeline.synthetic.stories.scene import Block, CustomerEvent, Scene

KINDS = [INDEX[name] for name in ("electronics", "jewellery", "department", "bar", "clothing", "cash")]
WEIGHTS = np.array([0.25, 0.10, 0.25, 0.15, 0.15, 0.10])
AWAKE = np.array([1.0] * 2 + [0.2] * 6 + [1.5] * 16)


def tell(scene: Scene) -> Rows:
    """One card, three to nine card-present attempts within about three hours of each other."""
    rng = scene.rng
    victim = scene.victims(1)
    city, card = int(scene.customers.city[victim[0]]), int(rng.integers(scene.customers.cards[victim[0]]))
    n = int(rng.integers(3, 10))
    start = scene.local_start(city, AWAKE)
    rows = scene.rows("lost_card", np.repeat(victim, n), start + scene.seconds_apart(n, 120, 1800))
    kinds = rng.choice(KINDS, size=n, p=WEIGHTS)
    is_cash = kinds == INDEX["cash"]
    channel = np.where(is_cash, ATM_CHANNEL, np.where(rng.random(n) < 0.75, CONTACTLESS, SWIPE))
    scene.sell_present(rows, kinds, city, channel, rng.uniform(0.6, 2.5, size=n))
    rows["card"] = card
    round_cash(rows, is_cash)
    # Without the PIN, cash fails and large amounts often do.
    fails = is_cash | (rng.random(n) < np.where(rows["base"] > 5_000, 0.35, 0.05))
    rows["decline"] = np.where(fails, 3, 0)

    blocked = int(rows["time"].max()) + int(rng.uniform(0.2, 20) * HOUR_MS)
    scene.blocks.append(Block(int(victim[0]), card, blocked))
    scene.events.append(CustomerEvent(int(victim[0]), "card_blocked", blocked, {"card": card + 1, "reason": "lost"}))
    replaced = blocked + int(rng.uniform(24, 96) * HOUR_MS)
    scene.events.append(CustomerEvent(int(victim[0]), "card_replaced", replaced, {"card": card + 1}))
    return rows
