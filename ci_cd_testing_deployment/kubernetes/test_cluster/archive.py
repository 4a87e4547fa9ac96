"""Images of the platform, written as archives that containerd imports: no engine and no registry is needed."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

_TYPE: Final = "application/vnd.oci.image"
_PATH: Final = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Contents:
    """What an image holds: `files` maps paths in it to files here, `root` is a folder that lies under them."""

    name: str
    entrypoint: Sequence[str]
    files: dict[str, Path] = field(default_factory=dict)
    root: Path | None = None
    user: str = "10001"


class _Hashing:
    """Writes through, and knows the digest of what was written."""

    def __init__(self, below: IO[bytes]) -> None:
        self._below, self._sha256 = below, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._sha256.update(data)
        return self._below.write(data)

    def digest(self) -> str:
        return f"sha256:{self._sha256.hexdigest()}"


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without times and names of this machine, so that the same contents have the same digest."""
    entry.mtime = 0
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _write_layer(contents: Contents, into: IO[bytes]) -> str:
    hashing = _Hashing(into)
    with tarfile.open(fileobj=hashing, mode="w|") as layer:  # type: ignore[call-overload]  # it only calls `write`
        if contents.root is not None:
            for path in sorted(contents.root.rglob("*")):
                layer.add(path, str(path.relative_to(contents.root)), recursive=False, filter=_anonymous)
        for inside, path in sorted(contents.files.items()):
            for parent in reversed(Path(inside).relative_to("/").parents[:-1]):
                entry = tarfile.TarInfo(str(parent))
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                layer.addfile(entry)
            entry = _anonymous(layer.gettarinfo(path, inside.lstrip("/")))
            with path.open("rb") as source:
                layer.addfile(entry, source)
    return hashing.digest()


def _described(kind: str, data: bytes) -> dict[str, object]:
    return {"mediaType": f"{_TYPE}.{kind}", "digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "size": len(data)}


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def write(contents: Contents, target: Path) -> None:
    """Write the archive; the same contents give the same digest."""
    with tempfile.TemporaryFile(dir=target.parent) as layer:
        layer_digest = _write_layer(contents, layer)
        layer_bytes = layer.tell()
        settings = {"Entrypoint": list(contents.entrypoint), "User": contents.user, "Env": [_PATH]}
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": settings,
                "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
            }
        ).encode()
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": f"{_TYPE}.manifest.v1+json",
                "config": _described("config.v1+json", config),
                "layers": [{"mediaType": f"{_TYPE}.layer.v1.tar", "digest": layer_digest, "size": layer_bytes}],
            }
        ).encode()
        described = _described("manifest.v1+json", manifest)
        described["annotations"] = {"io.containerd.image.name": contents.name}
        small = {
            "oci-layout": json.dumps({"imageLayoutVersion": "1.0.0"}).encode(),
            "index.json": json.dumps({"schemaVersion": 2, "manifests": [described]}).encode(),
            _blob(str(described["digest"])): manifest,
            _blob(str(_described("config.v1+json", config)["digest"])): config,
        }
        partial = target.with_suffix(".partial")
        with tarfile.open(partial, "w") as archive:
            for name, data in small.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
            entry = tarfile.TarInfo(_blob(layer_digest))
            entry.size = layer_bytes
            layer.seek(0)
            archive.addfile(entry, layer)
    partial.replace(target)
