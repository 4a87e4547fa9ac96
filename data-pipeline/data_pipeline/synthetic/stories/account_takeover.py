"""Account take-over: the profile changes, a strange device and address spend the victim's money at odd hours."""

from __future__ import annotations

import numpy as np

from data_pipeline.synthetic.commerce import INDEX
from data_pipeline.synthetic.rows import ECOM, MINUTE_MS, TRANSFER_CHANNEL, Rows
from data_pipeline.synthetic.stories.scene import CustomerEvent, Scene

KINDS = [INDEX[name] for name in ("electronics_online", "retail_online", "gift_card", "clothing_online")]
ODD_HOURS = np.array([5.0] * 6 + [1.0] * 16 + [2.0] * 2)


def tell(scene: Scene) -> Rows:
    """One victim, two to six purchases or transfers within three hours, 0.8 to 3 times the norm."""
    rng = scene.rng
    victim = scene.victims(1)
    city = int(scene.customers.city[victim[0]])
    start = scene.local_start(city, ODD_HOURS)
    n = int(rng.integers(2, 7))
    device, ip = scene.attacker_device(), scene.attacker_ip(city if rng.random() < 0.3 else None)

    rows = scene.rows("account_takeover", np.repeat(victim, n), start + scene.seconds_apart(n, 90, 2400))
    is_transfer = rng.random(n) < 0.35
    kinds = np.where(is_transfer, INDEX["bank_transfer"], rng.choice(KINDS, size=n))
    channel = np.where(is_transfer, TRANSFER_CHANNEL, ECOM)
    scene.sell_remote(rows, kinds, channel, device, ip, rng.uniform(0.8, 3.0, size=n))
    rows["decline"] = np.where(rng.random(n) < 0.12, 2, 0)

    change = start - int(rng.uniform(3, 120) * MINUTE_MS)
    field = str(rng.choice(["phone", "e-mail", "password", "address"]))
    scene.events.append(CustomerEvent(int(victim[0]), "profile_change", change, {"field": field}))
    scene.events.append(
        CustomerEvent(int(victim[0]), "new_device", change + MINUTE_MS, {"device_id": f"d-{device:016x}"})
    )
    return rows
