"""The peers: what runs each, how much of the work it gets, and what it claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Peer:
    """One way of doing the job.

    events_at_most: a slow design gets the first events only; short histories are to its advantage.
    is_batched: the program reports its batches itself; of the others the outputs are counted.
    """

    name: str
    events_at_most: int
    note: str
    environment: str | None = None  # None: the product's own
    servers: tuple[str, ...] = ("kafka",)
    is_batched: bool = False
    is_exact: bool = True

    @property
    def program(self) -> str:
        """The module that is run."""
        return f"{__package__}.peer_{self.name}"


OURS: Final = "ours"
_ALL: Final = 10**9

PEERS: Final = (
    Peer(
        OURS,
        _ALL,
        "all features of the catalogue, model, rules, decisions and alerts; state in Redis with its append-only file",
        servers=("kafka", "redis"),
        is_batched=True,
    ),
    Peer(
        "constants",
        _ALL,
        "Spark, pandas UDF over literals: computes no history and no model",
        is_batched=True,
        is_exact=False,
    ),
    Peer(
        "collect",
        40_000,
        "Spark, collect() in foreachBatch, loop in the driver, Redis for each event",
        servers=("kafka", "redis"),
        is_batched=True,
    ),
    Peer("sql", 20_000, "one consumer, SELECT, INSERT and commit for each event", servers=("kafka", "postgres")),
    Peer("quixstreams", 100_000, "stateful apply; RocksDB and changelog topic; one process", "quixstreams"),
    Peer("bytewax", 200_000, "stateful_map; snapshots every 10 s; one worker", "bytewax"),
    Peer("pathway", 200_000, "stateful reducer by customer; state in memory only; one worker", "pathway"),
    Peer("faust", 40_000, "agent and table; changelog topic; one worker", "faust"),
)


def chosen(names: Sequence[str]) -> list[Peer]:
    """The named peers in the order of the table; all where none is named. Raises KeyError with the unknown name."""
    by_name = {peer.name: peer for peer in PEERS}
    wanted = {by_name[name].name for name in names} or set(by_name)
    return [peer for peer in PEERS if peer.name in wanted]
