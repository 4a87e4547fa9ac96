"""`make bench-peers`: the same job by the product and by its peers, one after the other; one JSON line last.

One broker, one preloaded topic, one subset of features. A peer's CPU figure is that of its whole process tree and of
the servers that it uses, measured after its first quarter of events. What comes out is compared with the replay.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ci_cd_testing_deployment.performance_testing.peers.errors import PeerFailed
from ci_cd_testing_deployment.performance_testing.peers.registry import PEERS, Peer, chosen
from config import CACHE_DIR

if TYPE_CHECKING:
    from ci_cd_testing_deployment.performance_testing.peers.arena import Arena

_NAMES = ", ".join(peer.name for peer in PEERS)


def bench(
    events: Annotated[int, typer.Option(min=1_000, help="Events; slow peers get the first of them.")] = 600_000,
    only: Annotated[str, typer.Option(help=f"Comma-separated, of {_NAMES}.")] = "",
) -> None:
    """Run the peers; print their rates, how much of what came out is right, and ratios to the product."""
    try:
        peers = chosen([name for name in only.split(",") if name])
    except KeyError as error:
        raise typer.BadParameter(f"no peer is named {error.args[0]}", param_hint="--only") from error
    typer.echo(json.dumps(run_peers(peers, events)))


def run_peers(peers: Sequence[Peer], events: int) -> dict[str, Any]:
    """The report of the peers, with a reason where one did not run."""
    import pyarrow.parquet as pq

    from ci_cd_testing_deployment.local.stack import LocalStack
    from ci_cd_testing_deployment.performance_testing.peers.arena import Arena
    from ci_cd_testing_deployment.performance_testing.peers.report import report_of
    from ci_cd_testing_deployment.performance_testing.world import bench_models, bench_world

    models_dir = bench_models(CACHE_DIR)
    table = pq.read_table(bench_world(CACHE_DIR) / "history.parquet").slice(0, events)
    # Under /tmp, because PostgreSQL may run as a user of its own.
    run_dir = Path(tempfile.mkdtemp(prefix="fraudstream-peers-", dir="/tmp"))
    run_dir.chmod(0o755)
    try:
        with LocalStack(run_dir) as stack:
            stack.up(sorted({server for peer in peers for server in peer.servers}))
            arena = Arena(stack, table, models_dir, run_dir)
            return report_of(table.num_rows, {peer.name: _entry(arena, peer) for peer in peers})
    finally:
        shutil.rmtree(run_dir, ignore_errors=True)


def _entry(arena: Arena, peer: Peer) -> dict[str, Any]:
    from ci_cd_testing_deployment.performance_testing.peers.report import entry_of, entry_of_failure

    typer.echo(f"{peer.name}: {peer.note}", err=True)
    try:
        result = arena.run(peer)
    except PeerFailed as error:
        typer.echo(f"  not run: {error}", err=True)
        return entry_of_failure(str(error))
    found = entry_of(peer, result.rates, result.comparison)
    typer.echo(
        f"  {found['events_per_s']:,} events/s, {found['events_per_cpu_s']:,} per CPU-second, "
        f"{result.comparison.equal:,} of {result.comparison.checked:,} equal",
        err=True,
    )
    return found


if __name__ == "__main__":
    typer.run(bench)
