"""Customer events: announced trips, new devices, changed profiles, and those that fraud stories cause."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import blake2b

import numpy as np

from data_pipeline.synthetic.ordinary import device_age
from data_pipeline.synthetic.places import CITIES
from data_pipeline.synthetic.rows import DAY_MS
from data_pipeline.synthetic.stories.scene import CustomerEvent
from data_pipeline.synthetic.travel import PERIOD_DAYS
from data_pipeline.synthetic.world import World

PROFILE_CHANGES_A_DAY = 0.0008
NOTICED_DEVICES = 0.7


def customer_events(world: World, start_ms: int, end_ms: int) -> list[tuple[str, CustomerEvent]]:
    """(event id, event) with start ≤ time < end, in the order of time; nothing before the world's first day."""
    start_ms = max(start_ms, world.spec.start_day * DAY_MS)
    found = [
        event
        for begin, end, plan in world.plans(end_ms)
        for event in plan.events
        if max(begin, start_ms) <= event.time < min(end, end_ms)
    ]
    for day in range(start_ms // DAY_MS, end_ms // DAY_MS + 1):
        found += [event for event in _honest_events(world, day) if start_ms <= event.time < end_ms]
    found.sort(key=lambda e: (e.time, e.customer, e.kind))
    return [(_event_id(event), event) for event in found]


def _event_id(event: CustomerEvent) -> str:
    told = json.dumps([event.customer, event.time, event.kind, event.detail], sort_keys=True)
    return "ev-" + blake2b(told.encode(), digest_size=8).hexdigest()


def _honest_events(world: World, day: int) -> Iterator[CustomerEvent]:
    customers, draws = world.customers, world.draws
    own = draws.keyed(customers.index, day, 15)
    moment = day * DAY_MS + own.below("moment", DAY_MS)
    is_here = customers.joined_day <= day

    for who in np.flatnonzero(is_here & (own.uniform("profile") < PROFILE_CHANGES_A_DAY)).tolist():
        yield CustomerEvent(who, "profile_change", int(moment[who]), {"field": "address"})

    for which in (0, 1):
        is_bought = device_age(draws, customers, customers.index, which, day) % customers.device_life_days == 0
        is_noticed = is_here & is_bought & (own.uniform(f"noticed {which}") < NOTICED_DEVICES)
        for who in np.flatnonzero(is_noticed).tolist():
            age = device_age(draws, customers, who, which, day)
            device = draws.keyed(who, which, age // customers.device_life_days[who]).word("device id")
            yield CustomerEvent(who, "new_device", int(moment[who]), {"device_id": f"d-{int(device[0]):016x}"})

    for period in {day // PERIOD_DAYS, (day + 5) // PERIOD_DAYS}:
        trips = world.trips(period)
        notice_days = 1 + draws.keyed(customers.index, period, 16).below("notice", 5)
        for who in np.flatnonzero(is_here & trips.is_announced & (trips.first_day - notice_days == day)).tolist():
            detail = {
                "country": CITIES[int(trips.city[who])].country,
                "from": int(trips.first_day[who]) * DAY_MS,
                "until": (int(trips.last_day[who]) + 1) * DAY_MS,
            }
            yield CustomerEvent(who, "travel_notice", int(moment[who]), detail)
