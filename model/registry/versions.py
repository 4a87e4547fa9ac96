"""Which versions a model folder holds, and which of them serves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from fraud_prevention.domain.errors import ArtefactRefused, NotFound
from model.registry.bundle import MANIFEST_FILE, Manifest, read_bundle, write_durably

ACTIVE_FILE: Final = "active"
_MAX_POINTER_BYTES: Final = 256


def list_versions(directory: Path) -> list[str]:
    """Versions on disk, sound or not, in alphabetical order; unfinished writes are not among them."""
    return sorted(
        path.parent.name for path in directory.glob(f"*/{MANIFEST_FILE}") if not path.parent.name.startswith(".")
    )


def active_version(directory: Path) -> str | None:
    """The version that serves; None where none was activated. Raises ArtefactRefused for an unreadable pointer."""
    path = directory / ACTIVE_FILE
    try:
        with path.open("rb") as file:
            return file.read(_MAX_POINTER_BYTES).decode("ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ArtefactRefused(str(path), "the pointer to the serving version cannot be read") from error


def activate(directory: Path, version: str) -> Manifest:
    """Let a version serve from the next load on, and return its manifest.

    The version is read and checked first; the pointer is replaced in one step, so a reader sees the old one or
    the new one. Raises NotFound, and ArtefactRefused with the pointer left as it was.
    """
    if version not in list_versions(directory):
        raise NotFound("model version", version)
    manifest = read_bundle(directory, version).manifest
    fresh = directory / f".{ACTIVE_FILE}-{os.getpid()}"
    write_durably(fresh, f"{version}\n".encode("ascii"))
    fresh.replace(directory / ACTIVE_FILE)
    return manifest
