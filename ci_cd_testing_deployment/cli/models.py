"""`fraud models`: which versions there are, what they are worth, and which one serves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from config import ModelSettings

app = typer.Typer(no_args_is_help=True, help="List, show and activate model versions. Example: fraud models list")

Directory = Annotated[Path | None, typer.Option(help="Folder of model versions; default: where they serve.")]
Version = Annotated[str, typer.Argument(help="A version that `fraud models list` names.")]


@app.command("list")
def list_models(directory: Directory = None) -> None:
    """List the versions. Example: fraud models list"""
    from rich.console import Console
    from rich.table import Table

    from fraud_prevention.domain.errors import ArtefactRefused
    from model.registry.bundle import read_bundle
    from model.registry.versions import active_version, list_versions

    folder = directory or ModelSettings().directory
    serving = active_version(folder)
    table = Table("version", "serves", "average precision", "card precision at 100", "state")
    for version in list_versions(folder):
        try:
            metrics, state = read_bundle(folder, version).manifest.metrics, "sound"
        except ArtefactRefused as error:
            metrics, state = {}, error.reason
        figures = [f"{metrics[k]:.4f}" if k in metrics else "-" for k in ("average_precision", "card_precision_at_100")]
        table.add_row(version, "yes" if version == serving else "", *figures, state)
    Console().print(table)


@app.command()
def show(version: Version, directory: Directory = None) -> None:
    """Print the manifest of a version as JSON. Example: fraud models show hgb-0123456789ab"""
    from model.registry.bundle import read_bundle

    manifest = read_bundle(directory or ModelSettings().directory, version).manifest
    typer.echo(manifest.model_dump_json(indent=2))


@app.command()
def activate(version: Version, directory: Directory = None) -> None:
    """Let a version serve from the next start on. Example: fraud models activate hgb-0123456789ab"""
    from model.inference.scorer import load_scorer
    from model.registry.versions import activate as let_serve

    folder = directory or ModelSettings().directory
    load_scorer(folder, version)  # a version that this code could not score with must not become the serving one
    let_serve(folder, version)
    typer.echo(f"{version} serves from the next start on")
