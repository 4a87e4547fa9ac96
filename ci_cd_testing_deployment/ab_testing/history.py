"""The steps of an experiment, kept on the route itself, so that any controller can take over from one that ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

HISTORY: Final = "fraudstream.io/ab-history"
_FORM: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Stage:
    """From this second on (UTC, since 1970), version b had this percentage."""

    since_s: int
    weight: int


def write_history(stages: tuple[Stage, ...]) -> str:
    """One step per line, as people read it: `2026-11-27T01:00:00Z 5`."""
    return "\n".join(f"{datetime.fromtimestamp(s.since_s, UTC).strftime(_FORM)} {s.weight}" for s in stages)


def read_history(text: str) -> tuple[Stage, ...]:
    """Raises ValueError for a text that `write_history` did not write."""
    lines = (line.split() for line in text.splitlines())
    return tuple(
        Stage(int(datetime.strptime(at, _FORM).replace(tzinfo=UTC).timestamp()), int(weight)) for at, weight in lines
    )
