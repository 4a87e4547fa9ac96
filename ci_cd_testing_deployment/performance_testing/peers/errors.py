"""Why a peer did not run.

PeerFailed
├── NotInstalled   its environment could not be made
├── Ended          its program ended before its work was done
└── Silent         its program made no progress for too long
"""

from __future__ import annotations


class PeerFailed(Exception):
    """Root of the tree; the message is one sentence for the report."""


class NotInstalled(PeerFailed):
    """`reason` is what the installer said last."""

    def __init__(self, peer: str, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{peer} could not be installed: {reason}")


class Ended(PeerFailed):
    """`tail` holds the last line that the program said."""

    def __init__(self, peer: str, done: int, events: int, code: int, tail: str) -> None:
        self.done, self.tail = done, tail
        super().__init__(f"{peer} ended with code {code} after {done:,} of {events:,} events: {tail}")


class Silent(PeerFailed):
    """`done` events had gone through before the silence."""

    def __init__(self, peer: str, done: int, events: int, silence_s: float, tail: str) -> None:
        self.done, self.tail = done, tail
        super().__init__(f"{peer} stood still for {silence_s:.0f} s after {done:,} of {events:,} events: {tail}")
