"""The figures of a run as the benchmark prints them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ci_cd_testing_deployment.performance_testing.peers.check import Comparison
from ci_cd_testing_deployment.performance_testing.peers.history import FEATURES
from ci_cd_testing_deployment.performance_testing.peers.measure import Rates
from ci_cd_testing_deployment.performance_testing.peers.registry import OURS, Peer

Entry = dict[str, Any]


def entry_of(peer: Peer, rates: Rates, comparison: Comparison) -> Entry:
    """One peer's figures. `equal` is the share of the checked events whose numbers are all those of the replay."""
    notes = [peer.note]
    if not peer.is_exact:
        notes.append("does not claim exact features")
    if not rates.has_warm_up:
        notes.append("its start is part of the figures")
    if comparison.repeats:
        notes.append(f"{comparison.repeats} outputs came twice")
    return {
        "events_per_s": round(rates.events_per_s),
        "events_per_cpu_s": round(rates.events_per_cpu_s),
        "measured": rates.events,
        "checked": comparison.checked,
        "equal": round(comparison.equal / comparison.checked, 6) if comparison.checked else None,
        "note": "; ".join(notes),
    }


def entry_of_failure(reason: str) -> Entry:
    """A peer that did not run, and why."""
    return {
        "events_per_s": None,
        "events_per_cpu_s": None,
        "measured": 0,
        "checked": 0,
        "equal": None,
        "note": f"not run: {reason}",
    }


def ratios(entries: Mapping[str, Entry]) -> dict[str, float]:
    """The product's events per CPU-second over those of each peer that ran; {} where the product did not."""
    own = entries.get(OURS, {}).get("events_per_cpu_s")
    if own is None:
        return {}
    return {
        name: round(own / entry["events_per_cpu_s"], 2)
        for name, entry in entries.items()
        if name != OURS and entry["events_per_cpu_s"]
    }


def report_of(events: int, entries: Mapping[str, Entry]) -> dict[str, Any]:
    """The line of JSON."""
    return {
        "events": events,
        "features": list(FEATURES),
        "peers": dict(entries),
        "ratios": ratios(entries),
        "cores": os.cpu_count() or 1,
        "load_1m": round(os.getloadavg()[0], 1),
    }
