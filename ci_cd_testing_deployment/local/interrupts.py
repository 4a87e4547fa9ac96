"""Ctrl-C and SIGTERM at the two moments when they would do harm.

Between starting a process and writing its pid file an interrupt would leave a process nobody knows of,
and while a half-started stack is taken down a second Ctrl-C would leave the rest of it running.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP came; unwinds like Ctrl-C, so that the same clean-up runs."""


def _terminate(signum: int, _frame: FrameType | None) -> None:
    raise Terminated(signal.Signals(signum).name)


@contextmanager
def termination_unwinds() -> Iterator[None]:
    """Within the block SIGTERM and SIGHUP raise Terminated. Only the main thread may use signals: elsewhere no-op."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _terminate) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Hold interrupts back until the block has ended, then let the last one through."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []

    def hold(signum: int, _frame: FrameType | None) -> None:
        held.append(signum)

    before = {number: signal.signal(number, hold) for number in _INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if held:
            signal.raise_signal(held[-1])
