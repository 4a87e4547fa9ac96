"""Verbs about data: make a world, import history, produce transactions, look after dead letters."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

import config
from data_pipeline.produce.command import produce

__all__ = ["generate", "produce"]

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
    typer.echo(
        json.dumps(
            {
                "transactions": summary.transactions,
                "frauds": summary.frauds,
                "labels": summary.labels,
                "customer_events": summary.customer_events,
                "days": summary.days,
                "seconds": round(time.monotonic() - started, 1),
                "output": str(output),
            }
        )
    )
