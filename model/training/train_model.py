"""Thin entry of training: `python model/training/train_model.py`, and the verb `fraud train`.

Parses and hands over. Imports nothing heavy, so that help is quick.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from config import CACHE_DIR, ModelSettings
from fraud_prevention.domain.errors import FraudError

_WORLD = CACHE_DIR / "world"


class ModelType(StrEnum):
    """Models that can be trained."""

    HGB = "hgb"


def train(
    history: Annotated[Path, typer.Option(help="Folder with history.parquet and labels.parquet.")] = _WORLD,
    output: Annotated[Path | None, typer.Option(help="Folder of model versions; default: where they serve.")] = None,
    model_type: Annotated[ModelType, typer.Option(help="hgb: histogram gradient boosting.")] = ModelType.HGB,
    samples: Annotated[int | None, typer.Option(min=1_000, help="Use at most so many transactions.")] = None,
    seed: Annotated[int, typer.Option(help="Equal seeds on equal history give an equal version.")] = 7,
    maturity_days: Annotated[float, typer.Option(min=0, help="Age at which no label means good.")] = 7.0,
    fit_days: Annotated[float, typer.Option(min=1, help="Days the trees learn from, at most.")] = 60.0,
    calibration_days: Annotated[float, typer.Option(min=1, help="Days kept from the trees to calibrate on.")] = 7.0,
    test_days: Annotated[float, typer.Option(min=0, help="Last days, to measure on; 0 trains up to the end.")] = 7.0,
    until: Annotated[datetime | None, typer.Option(help="Use no history from this moment on (UTC).")] = None,
    activate: Annotated[bool, typer.Option(help="Let the version serve.")] = True,
) -> None:
    """Train, calibrate and measure a model on history.

    Example: fraud train --history .cache/world --test-days 7
    """
    # Threads that spin while they wait take the machine from everything beside the training. Read when the
    # library is loaded, which the imports below do.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from model.training.console import train_shown  # heavy: not for `--help`
    from model.training.train import TrainingRequest  # as above
    from model.training.windows import SplitPlan  # as above

    until_ms = None if until is None else int(until.replace(tzinfo=UTC).timestamp() * 1000)
    plan = SplitPlan(maturity_days, calibration_days, test_days, until_ms=until_ms, fit_days=fit_days)
    request = TrainingRequest(history, output or ModelSettings().directory, model_type.value, plan, seed, samples)
    typer.echo(train_shown(request, activate))


if __name__ == "__main__":
    try:
        typer.run(train)
    except FraudError as error:
        typer.secho(f"train: {error}", fg=typer.colors.RED, err=True)
        raise SystemExit(1) from error
