"""Verbs about data: make a world, import history, produce transactions, look after dead letters."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

import config
from data_pipeline.produce.command import produce

__all__ = ["generate", "import_", "produce"]

WORLD_DIR = config.CACHE_DIR / "world"
DAY_MS = 86_400_000


def generate(
    customers: Annotated[int, typer.Option(min=1, help="Customers of the world.")] = 5_000,
    days: Annotated[int, typer.Option(min=1, max=3_660, help="Days of history.")] = 60,
    seed: Annotated[int, typer.Option(help="Equal seed (and end), equal bytes.")] = 7,
    fraud_rate: Annotated[float, typer.Option(min=0.0, max=0.5, help="Share of fraud among all transactions.")] = 0.005,
    end: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day (UTC) before which the history ends; yesterday by default."),
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder to write to.", show_default=".cache/world")] = WORLD_DIR,
) -> None:
    """Make a synthetic world's history: transactions, late labels, customer events and authorisations as Parquet.

    The default end leaves a day of room, so that a live stream (`fraud produce`) has a past to go on from.

    Example: fraud generate --customers 5000 --days 60 --seed 7 --output .cache/world
    """
    from data_pipeline.history.generate import write_history
    from data_pipeline.synthetic.world import WorldSpec

    end_day = int(end.replace(tzinfo=UTC).timestamp() * 1000) // DAY_MS if end else int(time.time()) // 86_400 - 1
    spec = WorldSpec(seed=seed, customers=customers, start_day=end_day - days, fraud_rate=fraud_rate)
    started = time.monotonic()
    with typer.progressbar(length=days, label=f"{days} days of {customers:,} customers") as bar:
        done = 0

        def advance(day: int) -> None:
            nonlocal done
            bar.update(day - done)
            done = day

        summary = write_history(spec, days, output, advance)
    typer.echo(json.dumps({**asdict(summary), "seconds": round(time.monotonic() - started, 1), "output": str(output)}))


def import_(
    mapping: Annotated[Path, typer.Option(help="Mapping file, or the name of a shipped one.")],
    input_: Annotated[Path, typer.Option("--input", help="CSV or Parquet file, used in place.")],
    output: Annotated[Path, typer.Option(help="Folder to write the history files to.")],
) -> None:
    """Bring a history of any shape in: CSV or Parquet becomes history, labels and truth files.

    A mapping file says for each column of transactions.v1 where it comes from (`from` a column, or a `constant`),
    and how (`digits`, `prefix`, `scale`, `values`, `time`); `order` gives the order of the log.

    Example: fraud import --mapping fdh_mapping.yaml --input fdh_transactions.parquet --output .cache/fdh
    """
    from data_pipeline.history.importing import import_history

    started = time.monotonic()
    done = import_history(input_, mapping, output)
    typer.echo(json.dumps({**asdict(done), "seconds": round(time.monotonic() - started, 1), "output": str(output)}))
