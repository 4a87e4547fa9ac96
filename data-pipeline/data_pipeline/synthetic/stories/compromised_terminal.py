"""A compromised terminal: it skims cards for some days; five to twenty days later they are used elsewhere."""

from __future__ import annotations

import numpy as np

from data_pipeline.synthetic.commerce import INDEX
from data_pipeline.synthetic.places import CITIES
from data_pipeline.synthetic.rows import ECOM, HOUR_MS, SWIPE, Rows
from data_pipeline.synthetic.stories.scene import Scene

REMOTE_KINDS = [INDEX[name] for name in ("electronics_online", "retail_online", "gift_card", "travel_agency")]
PRESENT_KINDS = [INDEX[name] for name in ("electronics", "department", "clothing", "jewellery")]
MAX_CARDS = 12


def tell(scene: Scene) -> Rows:
    """Cards that one terminal saw: most numbers are used in shops online, some as clones in a far city."""
    rng = scene.rng
    cards = _skimmed(scene)
    parts = [_use_remotely(scene, *card) if rng.random() < 0.6 else _use_clone(scene, *card) for card in cards]
    return np.concatenate(parts)


def _skimmed(scene: Scene) -> list[tuple[int, int]]:
    """(customer, card) pairs that paid at one busy terminal in the weeks before."""
    visits = scene.visits()
    wanted = int(np.clip(scene.limit // 3, 1, MAX_CARDS))
    if len(visits) == 0:  # the world is too young to have a past
        return [(int(customer), 0) for customer in scene.victims(wanted)]
    terminal = visits["merchant"] * 8 + visits["terminal"]
    # A visit drawn at random is likely one of a busy terminal; the busiest of a few more so.
    candidates = terminal[scene.rng.integers(len(terminal), size=4)]
    chosen = max(candidates.tolist(), key=lambda name: int((terminal == name).sum()))
    seen = visits[terminal == chosen]
    pairs = np.unique(np.stack([seen["customer"], seen["card"]], axis=1), axis=0)
    scene.rng.shuffle(pairs)
    return [(int(customer), int(card)) for customer, card in pairs[:wanted]]


def _use_remotely(scene: Scene, customer: int, card: int) -> Rows:
    rng = scene.rng
    n = int(rng.integers(2, 6))
    start = scene.local_start(int(scene.customers.city[customer])) + int(rng.uniform(0, 60) * HOUR_MS)
    rows = scene.rows("compromised_terminal", np.full(n, customer), start + scene.seconds_apart(n, 60, 5400))
    kinds = rng.choice(REMOTE_KINDS, size=n)
    scene.sell_remote(rows, kinds, ECOM, scene.attacker_device(), scene.attacker_ip(), rng.uniform(1.0, 4.0, size=n))
    rows["card"] = card
    rows["decline"] = np.where(rng.random(n) < 0.15, 2, 0)
    return rows


def _use_clone(scene: Scene, customer: int, card: int) -> Rows:
    """The real card goes on at home while the copy is swiped far away: no one travels that fast."""
    rng = scene.rng
    away = [i for i in range(len(CITIES)) if CITIES[i].country != CITIES[scene.customers.city[customer]].country]
    city = int(rng.choice(away))
    n = int(rng.integers(2, 6))
    start = scene.local_start(city) + int(rng.uniform(0, 60) * HOUR_MS)
    rows = scene.rows("cloned_card", np.full(n, customer), start + scene.seconds_apart(n, 120, 3600))
    scene.sell_present(rows, rng.choice(PRESENT_KINDS, size=n), city, SWIPE, rng.uniform(0.8, 3.0, size=n))
    rows["card"] = card
    rows["decline"] = np.where(rng.random(n) < 0.2, 4, 0)
    return rows
