"""What a person sees while the stack comes up: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Protocol

from rich.console import Console

# Shorter steps are not worth a second line.
_WORTH_SAYING_S: Final = 0.5


class Progress(Protocol):
    """Shows steps and sentences. Never raises."""

    def note(self, text: str) -> None:
        """One sentence that stays on the screen."""

    def step(self, text: str) -> AbstractContextManager[None]:
        """Around work that takes a while."""


class Silent:
    """Shows nothing: for tests and for programs that report themselves."""

    def note(self, text: str) -> None:
        pass

    @contextmanager
    def step(self, text: str) -> Iterator[None]:  # noqa: ARG002 — the port's signature
        yield


class OnConsole:
    """Writes to the console: a spinner with the present step on a terminal, one line a step when it has ended."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def note(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        began_s = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(text):
                yield
        else:
            self.note(f"{text} …")
            yield
        took_s = time.monotonic() - began_s
        if took_s >= _WORTH_SAYING_S:
            self.note(f"{text}: done in {took_s:.1f} s")
