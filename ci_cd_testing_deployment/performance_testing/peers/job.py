"""What a peer's program is told, and what it says: the two sides of the pipe between it and the benchmark.

Standard library only, as this module runs in the environments of all peers.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import Final, Self

VARIABLE: Final = "PEER_JOB"
_DONE: Final = "done "


@dataclass(frozen=True, slots=True)
class Job:
    """One run of one peer: read `events` records of `source`, write one record each to `sink`.

    An output is JSON with `transaction_id` and `features`, the numbers in the order of `history.FEATURES`.
    """

    bootstrap_servers: str
    source: str
    sink: str
    events: int
    work_dir: str  # empty, for state and checkpoints
    models_dir: str  # for the product
    redis_url: str = ""
    postgres_dsn: str = ""

    @classmethod
    def from_environment(cls) -> Self:
        """The job of this process."""
        return cls(**json.loads(os.environ[VARIABLE]))

    def environment(self) -> dict[str, str]:
        """The same for the process to be started."""
        return {VARIABLE: json.dumps(asdict(self))}


def report_done(events: int) -> None:
    """Say how many events have gone through: a peer that works in batches says so after each."""
    sys.stdout.write(f"{_DONE}{events}\n")
    sys.stdout.flush()


def reported_done(line: bytes) -> int | None:
    """The number that a line of a peer's output reports, None for any other line."""
    text = line.decode(errors="replace")
    number = text.removeprefix(_DONE)
    return int(number) if number != text and number.isdigit() else None
