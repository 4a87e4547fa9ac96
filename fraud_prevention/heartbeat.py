"""How a process without a port shows that it works."""

from __future__ import annotations

from pathlib import Path


class Heartbeat:
    """A file that is there, and fresh, while the process works."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def beat(self) -> None:
        """Say that it works now."""
        if self._path is not None:
            self._path.touch()

    def stop(self) -> None:
        """Say that it works no more."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
