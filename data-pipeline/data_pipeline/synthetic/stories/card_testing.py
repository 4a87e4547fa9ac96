"""Card testing: stolen numbers tried with small amounts, seconds apart, most refused; the hits are monetised."""

from __future__ import annotations

import numpy as np

from data_pipeline.synthetic.commerce import INDEX
from data_pipeline.synthetic.population import REMOTE_PLACE
from data_pipeline.synthetic.rows import ECOM, HOUR_MS, Rows, set_amounts
from data_pipeline.synthetic.stories.scene import Scene

TEST_KINDS = [INDEX[name] for name in ("software", "streaming", "games", "retail_online")]
RESALE_KINDS = [INDEX[name] for name in ("electronics_online", "gift_card", "travel_agency")]


def tell(scene: Scene) -> Rows:
    """One attacker, one device, one merchant, 8 to 40 cards with one to three attempts each."""
    rng = scene.rng
    victims = scene.victims(int(np.clip(rng.integers(8, 41), 2, max(2, scene.limit // 2))))
    attempts = np.repeat(victims, rng.integers(1, 4, size=len(victims)))
    rng.shuffle(attempts)
    start = scene.local_start(int(rng.choice(scene.customers.city)))
    device, ip = scene.attacker_device(), scene.attacker_ip()

    tests = scene.rows("card_testing", attempts, start + scene.seconds_apart(len(attempts), 2, 30))
    scene.sell_remote(tests, np.full(len(tests), rng.choice(TEST_KINDS)), ECOM, device, ip, np.ones(len(tests)))
    kind = scene.merchants.kind[tests["merchant"][0]]
    # One shop with a weak check, not its most popular one.
    first, count = scene.merchants.group_start[REMOTE_PLACE, kind], scene.merchants.group_count[REMOTE_PLACE, kind]
    tests["merchant"] = first + count // 2 + rng.integers(max(1, count // 2))
    tests["country"] = scene.merchants.country[tests["merchant"]]
    set_amounts(tests, rng.uniform(0.5, 5.0, size=len(tests)))
    refused = rng.random(len(tests)) < rng.uniform(0.6, 0.9)
    tests["decline"] = np.where(refused, rng.integers(4, 6, size=len(tests)), 0)

    hits = np.unique(tests["customer"][~refused])
    buyers = np.repeat(hits, rng.integers(0, 4, size=len(hits)))
    delay = rng.uniform(0.1, 8.0, size=len(buyers)) * HOUR_MS
    spree = scene.rows("card_testing", buyers, tests["time"].max() + delay.astype(np.int64))
    norm = rng.uniform(0.8, 3.0, size=len(spree))
    scene.sell_remote(spree, rng.choice(RESALE_KINDS, size=len(spree)), ECOM, device, ip, norm)
    spree["decline"] = np.where(rng.random(len(spree)) < 0.2, 2, 0)
    return np.concatenate([tests, spree])
