"""A ring: several accounts that share a device and an address send money on and buy gift cards within hours."""

from __future__ import annotations

import numpy as np

from data_pipeline.synthetic.commerce import INDEX
from data_pipeline.synthetic.rows import ECOM, HOUR_MS, TRANSFER_CHANNEL, Rows
from data_pipeline.synthetic.stories.scene import CustomerEvent, Scene


def tell(scene: Scene) -> Rows:
    """Three to eight accounts, two to five payments each within two days, from one device."""
    rng = scene.rng
    members = scene.victims(int(np.clip(scene.limit // 3, 2, rng.integers(3, 9))))
    device = scene.attacker_device()
    ip = scene.attacker_ip(int(scene.customers.city[members[0]]))
    start = scene.local_start(int(scene.customers.city[members[0]]))
    who = np.repeat(members, rng.integers(2, 6, size=len(members)))
    # Each member acts once, within an hour or so; the members follow each other over two days.
    begins = dict(zip(members.tolist(), rng.uniform(0, 40, size=len(members)), strict=True))
    hours = np.array([begins[int(member)] for member in who]) + rng.uniform(0, 1.5, size=len(who))
    rows = scene.rows("device_ring", who, start + (hours * HOUR_MS).astype(np.int64))
    is_transfer = rng.random(len(who)) < 0.65
    kinds = np.where(is_transfer, INDEX["bank_transfer"], INDEX["gift_card"])
    norm = rng.uniform(1.0, 4.0, size=len(who))
    scene.sell_remote(rows, kinds, np.where(is_transfer, TRANSFER_CHANNEL, ECOM), device, ip, norm)
    for member in members.tolist():
        first = int(rows["time"][rows["customer"] == member].min())
        if rng.random() < 0.6:
            noticed = first - int(rng.uniform(0.1, 48) * HOUR_MS)
            scene.events.append(CustomerEvent(member, "new_device", noticed, {"device_id": f"d-{device:016x}"}))
    return rows
