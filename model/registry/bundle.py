"""A model version on disk: one folder with a manifest and arrays, written whole or not at all, read with suspicion.

Nothing here is a pickle. The version follows from the content, so equal training gives an equal version and a
changed byte gives a refusal. Knows nothing of what the arrays mean.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fraud_prevention.domain.errors import ArtefactRefused

Arrays = Mapping[str, npt.NDArray[np.generic]]

MANIFEST_FILE: Final = "manifest.json"
WEIGHTS_FILE: Final = "weights.npz"
MAX_MANIFEST_BYTES: Final = 1 << 20
MAX_WEIGHTS_BYTES: Final = 256 << 20
_VERSION: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DIGEST_CHARS: Final = 12


class Manifest(BaseModel):
    """What a bundle says of itself; `training` and `metrics` are for people and reports."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: int = Field(1, ge=1, le=1)
    version: str
    kind: str
    catalogue_version: str
    feature_names: tuple[str, ...] = Field(min_length=1)
    weights_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    training: dict[str, Any]
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A version that passed its checks."""

    manifest: Manifest
    arrays: Arrays


def write_bundle(
    directory: Path,
    kind: str,
    arrays: Arrays,
    *,
    feature_names: tuple[str, ...],
    catalogue_version: str,
    training: Mapping[str, Any],
    metrics: Mapping[str, float],
) -> Manifest:
    """Write `directory/<version>/` and return its manifest; a version that is already there is written anew.

    The folder appears complete or not at all. Raises OSError where the disk refuses.
    """
    # The order of the columns is part of what is digested, or a reordered model would keep its version.
    schema = {"feature_names": np.array(feature_names), "catalogue_version": np.array([catalogue_version])}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays, **schema)
    digest = sha256(buffer.getvalue()).hexdigest()
    manifest = Manifest(
        format=1,
        version=f"{kind}-{digest[:_DIGEST_CHARS]}",
        kind=kind,
        catalogue_version=catalogue_version,
        feature_names=feature_names,
        weights_sha256=digest,
        training=dict(training),
        metrics=dict(metrics),
    )
    directory.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".partial-", dir=directory))
    try:
        write_durably(staging / WEIGHTS_FILE, buffer.getvalue())
        text = json.dumps(manifest.model_dump(mode="json"), indent=2, sort_keys=True, allow_nan=False)
        write_durably(staging / MANIFEST_FILE, (text + "\n").encode())
        staging.chmod(0o755)
        target = directory / manifest.version
        if target.exists():
            # Same version, same weights: replaced file by file, so that a reader finds it whole at any moment.
            for name in (WEIGHTS_FILE, MANIFEST_FILE):
                (staging / name).replace(target / name)
        else:
            staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return manifest


def write_durably(path: Path, content: bytes) -> None:
    """Write and flush to the disk, so that a rename that follows cannot outlive the content."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read_manifest(directory: Path, version: str) -> Manifest:
    """The manifest of a version, its own fields checked. Raises ArtefactRefused."""
    if not _VERSION.fullmatch(version):
        raise ArtefactRefused(str(directory), f"{version!r} is not a version")
    path = directory / version / MANIFEST_FILE
    content = _read_bounded(path, MAX_MANIFEST_BYTES)
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "content"
        raise ArtefactRefused(str(path), f"the manifest is malformed ({where}: {first['msg']})") from error
    expected = f"{manifest.kind}-{manifest.weights_sha256[:_DIGEST_CHARS]}"
    if not manifest.version == version == expected:
        raise ArtefactRefused(str(path), f"it calls itself {manifest.version}, its digest makes it {expected}")
    return manifest


def read_bundle(directory: Path, version: str) -> Bundle:
    """A version whose weights are what the manifest says. Raises ArtefactRefused naming file and reason."""
    manifest = read_manifest(directory, version)
    path = directory / version / WEIGHTS_FILE
    content = _read_bounded(path, MAX_WEIGHTS_BYTES)
    if sha256(content).hexdigest() != manifest.weights_sha256:
        raise ArtefactRefused(str(path), "the weights are not those the manifest names (sha256 differs)")
    arrays = _unpack(path, content)
    names, catalogue = arrays.pop("feature_names", None), arrays.pop("catalogue_version", None)
    if names is None or tuple(map(str, names)) != manifest.feature_names:
        raise ArtefactRefused(str(path), "the weights were written for other features than the manifest names")
    if catalogue is None or list(map(str, catalogue)) != [manifest.catalogue_version]:
        raise ArtefactRefused(str(path), "the weights were written for another catalogue than the manifest names")
    return Bundle(manifest, arrays)


def _unpack(path: Path, content: bytes) -> dict[str, npt.NDArray[np.generic]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_WEIGHTS_BYTES:
            raise ArtefactRefused(str(path), f"the weights unpack to {size} bytes, more than {MAX_WEIGHTS_BYTES}")
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise ArtefactRefused(str(path), f"the weights are not plain arrays ({error})") from error


def _read_bounded(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise ArtefactRefused(str(path), f"it cannot be read ({error.strerror})") from error
    if len(content) > limit:
        raise ArtefactRefused(str(path), f"it is larger than {limit} bytes")
    return content
