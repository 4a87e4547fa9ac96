"""The world and the model that every benchmark uses, made once and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ci_cd_testing_deployment.local.demo import ensure_model
from data_pipeline.history.generate import write_history
from data_pipeline.synthetic.world import WorldSpec

_SPEC: Final = WorldSpec(seed=11, customers=10_000, start_day=20_500)
_DAYS: Final = 45
_CROWD: Final = WorldSpec(seed=12, customers=100_000, start_day=20_500)
_CROWD_DAYS: Final = 22


def bench_world(cache_dir: Path) -> Path:
    """Folder with the history: the same for every run, so that figures can be compared."""
    folder = cache_dir / "bench" / "world"
    if not (folder / "world.json").exists():
        write_history(_SPEC, _DAYS, folder)
    return folder


def crowd_world(cache_dir: Path) -> Path:
    """Folder with a history of a hundred thousand customers, whose state is warm before its last days."""
    folder = cache_dir / "bench" / "crowd"
    if not (folder / "world.json").exists():
        write_history(_CROWD, _CROWD_DAYS, folder)
    return folder


def bench_models(cache_dir: Path) -> Path:
    """Folder with a model of the full size, trained on that history."""
    folder = cache_dir / "bench" / "models"
    ensure_model(bench_world(cache_dir), folder, lambda _text: None)
    return folder
