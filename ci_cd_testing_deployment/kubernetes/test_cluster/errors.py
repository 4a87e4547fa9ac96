"""What can go wrong with the test cluster.

ClusterError
├── CommandFailed   a program ended with an error; `said` holds its last lines
└── NotReadyInTime  a part did not become ready; the message names its log
"""

from __future__ import annotations

from collections.abc import Sequence


class ClusterError(Exception):
    """Root of the tree; the message is one sentence for the person at the terminal."""


class CommandFailed(ClusterError):
    """A program that had to succeed did not."""

    def __init__(self, argv: Sequence[str], status: int, said: str) -> None:
        self.argv, self.status, self.said = list(argv), status, said
        super().__init__(f"`{' '.join(argv)[:300]}` ended with {status}: {said[-2000:].strip()}")


class NotReadyInTime(ClusterError):
    """Something was waited for in vain."""
