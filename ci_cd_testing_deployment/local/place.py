"""Where a stack keeps its things: one run directory, one cache."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, never visible half-written."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    partial.replace(path)


@dataclass(frozen=True, slots=True)
class Place:
    """Paths of one stack. `run_dir` is absolute; everything that the stack writes lies under it or in the cache."""

    run_dir: Path
    cache_dir: Path

    def make(self) -> None:
        # Not private as a whole: a server that runs as another user has to pass through.
        for folder in (self.run_dir, self.run_dir / "data", self._logs, self._pids, self._ready):
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.secrets.mkdir(mode=0o700, exist_ok=True)

    @property
    def _logs(self) -> Path:
        return self.run_dir / "logs"

    @property
    def _pids(self) -> Path:
        return self.run_dir / "pids"

    @property
    def _ready(self) -> Path:
        return self.run_dir / "ready"

    @property
    def secrets(self) -> Path:
        return self.run_dir / "secrets"

    @property
    def env_file(self) -> Path:
        return self.run_dir / "env"

    @property
    def ports_file(self) -> Path:
        return self.run_dir / "ports.json"

    @property
    def lock_file(self) -> Path:
        return self.run_dir / "lock"

    @property
    def models(self) -> Path:
        return self.run_dir / "models"

    @property
    def bundles(self) -> Path:
        return self.run_dir / "bundles"

    def data(self, name: str) -> Path:
        return self.run_dir / "data" / name

    def log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        return self._pids / f"{name}.json"

    def recorded(self, but: Collection[str]) -> list[str]:
        """Names that have a pid file, without those of `but`."""
        return sorted({path.stem for path in self._pids.glob("*.json")} - set(but))

    def ready_file(self, name: str) -> Path:
        return self._ready / name


@dataclass(frozen=True, slots=True)
class Context:
    """What a service knows when it is prepared: its place, the ports of all services, the settings so far.

    `note` shows the person a sentence that matters.
    """

    place: Place
    ports: Mapping[str, int]
    settings: Mapping[str, str]
    note: Callable[[str], None] = field(default=lambda _text: None)
