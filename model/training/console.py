"""Training as seen on a terminal: stages and a bar on stderr, the result as a table and a JSON line."""

from __future__ import annotations

import json
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from model.registry.bundle import Manifest
from model.registry.versions import activate
from model.training.train import Progress, TrainingRequest, train


def train_shown(request: TrainingRequest, is_activated: bool) -> str:
    """Train with progress on stderr, let the version serve where wanted, and return the result as a JSON line."""
    console = Console(stderr=True)
    with _Stages(console) as stages:
        manifest = train(request, Progress(stage=stages.begin, replayed=stages.advance))
    if is_activated:
        activate(request.output, manifest.version)
    console.print(manifest_table(manifest, is_activated))
    return json.dumps({"model_version": manifest.version, "is_active": is_activated, **manifest.metrics})


def manifest_table(manifest: Manifest, is_active: bool) -> Table:
    """What a version was made from and how good it was."""
    table = Table(title=f"{manifest.version}{' (serves)' if is_active else ''}")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for window, rows in manifest.training.get("rows", {}).items():
        table.add_row(f"transactions to {window}", f"{rows:,}")
    for name, value in manifest.metrics.items():
        table.add_row(name.replace("_", " "), f"{value:,.0f}" if value > 1 else f"{value:.4f}")
    return table


class _Stages:
    """One line per stage; the last one may have a bar."""

    def __init__(self, console: Console) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        self._bars = Bars(*columns, console=console)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._finish()
        self._bars.stop()

    def begin(self, text: str) -> None:
        self._finish()
        self._bars.add_task(text, total=None)

    def advance(self, done: int, total: int) -> None:
        self._bars.update(self._bars.task_ids[-1], total=total, completed=done)

    def _finish(self) -> None:
        if self._bars.task_ids:
            self._bars.update(self._bars.task_ids[-1], total=1, completed=1)
