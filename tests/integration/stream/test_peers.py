"""The benchmark of the peers: the product and a Spark peer do the job, and what comes out is checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci_cd_testing_deployment.performance_testing.peers.arena import Arena
from ci_cd_testing_deployment.performance_testing.peers.registry import OURS, chosen
from tests.fixtures.events import as_table, transactions
from tests.fixtures.stream import StreamBench

EVENTS = 800


@pytest.mark.timeout(600)  # two starts of Spark, on a machine that may be busy
def test_the_product_is_exact_and_constants_are_not(stream_bench: StreamBench, tmp_path: Path) -> None:
    table = as_table(transactions(EVENTS, customers=20, seed=5))
    arena = Arena(stream_bench.stack, table, stream_bench.stack.place.models, tmp_path)
    found = {peer.name: arena.run(peer) for peer in chosen([OURS, "constants"])}
    checked = {name: (result.comparison.checked, result.comparison.equal) for name, result in found.items()}
    assert checked == {OURS: (EVENTS, EVENTS), "constants": (EVENTS, 0)}
    assert all(result.rates.events_per_cpu_s > 0 for result in found.values())
