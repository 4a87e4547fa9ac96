"""What an image weighs: what a node pulls for it, and what it takes on the node's disk.

`python -m ci_cd_testing_deployment.docker.weigh [NAME...]` prints megabytes of the images that the engine has.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path
from typing import IO, Final

from ci_cd_testing_deployment.docker.images import IMAGES, image
from config import CACHE_DIR

MB: Final = 1_000_000
_CHUNK: Final = 1 << 20
_KNOWN: Final = Path(os.environ.get("FRAUD_SHIP_CACHE", CACHE_DIR / "ship")) / "docker" / "weights.json"


def pulled_bytes(tag: str) -> int:
    """Bytes of the layers, each compressed at the quickest level, which packs no tighter than a registry's.

    Kept by the image's id, as it takes some seconds.
    """
    found = _inspect(tag, "{{.Id}}")
    known: dict[str, int] = json.loads(_KNOWN.read_text(encoding="utf-8")) if _KNOWN.exists() else {}
    if found not in known:
        known[found] = _compressed(found)
        _KNOWN.parent.mkdir(parents=True, exist_ok=True)
        _KNOWN.write_text(json.dumps(known), encoding="utf-8")
    return known[found]


def _inspect(tag: str, field: str) -> str:
    return subprocess.run(
        ["docker", "image", "inspect", "--format", field, tag], capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


def _compressed(tag: str) -> int:
    total = 0
    with (
        subprocess.Popen(["docker", "save", tag], stdout=subprocess.PIPE) as saving,
        tarfile.open(fileobj=saving.stdout, mode="r|") as archive,
    ):
        for member in archive:
            if member.name.endswith("layer.tar") and (layer := archive.extractfile(member)):
                total += _packed(layer)
    if saving.returncode:
        raise subprocess.CalledProcessError(saving.returncode, saving.args)
    return total


def _packed(layer: IO[bytes]) -> int:
    packer, total = zlib.compressobj(level=1), 0
    while chunk := layer.read(_CHUNK):
        total += len(packer.compress(chunk))
    return total + len(packer.flush())


def main(names: list[str]) -> None:
    for made in [image(name) for name in names] or IMAGES:
        tag = f"fraudstream/{made.name}:dev"
        pulled, unpacked = pulled_bytes(tag) // MB, int(_inspect(tag, "{{.Size}}")) // MB
        sys.stdout.write(f"{made.name}: {pulled} MB pulled (limit {made.limit_mb}), {unpacked} MB unpacked\n")


if __name__ == "__main__":
    main(sys.argv[1:])
