"""`fraud features`: the catalogue for people (docs/features.md) and for machines, and what it gives for a history."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, help="List the features, or compute them for a whole history. Example: fraud features list"
)

_HEAD = """# Features

Each transaction gets {count} numbers, computed from what was known before it. Catalogue version `{version}`. Windows are
(t - w, t] over earlier events, the event itself excluded unless it says so. This page is the output of
`fraud features list --markdown`.

**Transactions, cards and customers** follow the order of the log: {aligned}. At most {cap} events of the last 30 days are
kept for each customer, the newest ones. An attempt that the issuer declined counts as an attempt, and not as money; it
and a label count from the first event, in the order of the log, that is not older than the moment they were observed.

**Merchants, terminals, devices and networks** are {shared}. At most {caps} sightings count exactly, the newest ones;
beyond them and beyond the ring of a day (terminals 37 days, devices 7), merchants and terminals go on counting by whole
UTC days. An event that is more than an hour late sees what the record still holds. Delayed windows end seven days
before the event; a transaction in them counts as fraud where a label says so by the time of the event.

| feature | entity | aggregate | window | unit | default | with this event | personal data | meaning |
|---|---|---|---|---|---|---|---|---|
"""


def markdown() -> str:
    """The page docs/features.md."""
    from model.features.catalogue import CATALOGUE_VERSION, FEATURE_COUNT, FEATURES
    from model.features.entities.feature import LATE
    from model.features.entities.kinds import KINDS
    from model.features.record import CAP

    rows = [
        f"| `{f.name}` | {f.entity} | {f.aggregate} | {f.window} | {f.unit} | {f.default:g} "
        f"| {'yes' if f.includes_current else 'no'} | {f.pii} | {f.description} |"
        for f in FEATURES
    ]
    caps = ", ".join(f"{k.cap:,} ({k.name})" for k in KINDS)
    head = _HEAD.format(
        count=FEATURE_COUNT, version=CATALOGUE_VERSION, cap=CAP, caps=caps, aligned=FEATURES[0].late, shared=LATE
    )
    return head + "\n".join(rows) + "\n"


@app.command("list")
def list_features(
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the page docs/features.md.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """List every feature with its window, unit and meaning. Example: fraud features list"""
    from model.features.catalogue import FEATURES, as_records

    if as_markdown:
        typer.echo(markdown(), nl=False)
    elif as_json:
        typer.echo(json.dumps(as_records(), indent=1))
    else:
        for feature in FEATURES:
            typer.echo(f"{feature.name:28} {feature.unit:10} {feature.description}")


@app.command()
def replay(
    input_: Annotated[
        Path, typer.Option("--input", help="CSV or Parquet file, folder of Parquet files or of history.")
    ],
    features: Annotated[Path, typer.Option(help="Feature set file, or the name of a shipped one.")],
    output: Annotated[
        Path, typer.Option(help="Parquet file to write, replaced if it is there; a folder with `--shares`.")
    ],
    mapping: Annotated[
        Path | None,
        typer.Option(help="Mapping file, or the name of a shipped one; none for a folder that was imported."),
    ] = None,
    shares: Annotated[
        int, typer.Option(min=0, help="Work in so many shares on Spark, for what one memory can't hold; 0: here.")
    ] = 0,
) -> None:
    """Compute a feature set for every transaction of a history, as the stream would have, and write it as Parquet.

    A feature set names columns and says each one's formula over the features that `fraud features list` shows. What
    is printed is one line of JSON.

    Example: fraud features replay --input fdh_transactions.parquet --mapping fdh_mapping.yaml
    --features fdh_features.yaml --output .cache/fdh_features.parquet
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from config import StreamSettings
    from data_pipeline.history.feature_file import write_features
    from data_pipeline.history.spark_replay import write_features_in_shares

    started = time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        bar = bars.add_task("replaying history", total=None)
        if shares:
            done = write_features_in_shares(
                input_, mapping, features, output, shares, StreamSettings(),
                lambda name, rows, total: bars.update(bar, description=name, completed=rows, total=total),
            )  # fmt: skip
        else:
            done = write_features(
                input_, mapping, features, output, lambda rows, total: bars.update(bar, completed=rows, total=total)
            )
    seconds = time.monotonic() - started
    told = {"seconds": round(seconds, 1), "rows_per_s": round(done.rows / seconds), "output": str(output)}
    typer.echo(json.dumps({**asdict(done), **told}))
