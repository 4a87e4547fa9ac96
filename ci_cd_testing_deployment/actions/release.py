"""A release: the revision, and each image by its digest; and the manifests that bring it to an environment.

    python -m ci_cd_testing_deployment.actions.release gather FOLDER RELEASE
    python -m ci_cd_testing_deployment.actions.release render ENVIRONMENT RELEASE REGISTRY FOLDER

`gather` joins what publish.sh wrote for each image. `render` writes what kubectl applies one after the other: `1-first.yaml`
(what others need), `2-jobs.yaml` (what has to end before a roll-out), `3-rest.yaml`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import yaml

from ci_cd_testing_deployment.docker.images import IMAGES

ROOT: Final = Path(__file__).resolve().parents[2]
OVERLAYS: Final = ROOT / "ci_cd_testing_deployment" / "kubernetes" / "overlays"
PHASES: Final = ("1-first.yaml", "2-jobs.yaml", "3-rest.yaml")
RUNS: Final = {
    "Canary", "CronJob", "Deployment", "HTTPRoute", "HorizontalPodAutoscaler", "ScaledObject", "SparkApplication",
}  # fmt: skip
"""Kinds that start something or send it requests: they wait for the jobs."""

Manifest = dict[str, Any]


class Incomplete(Exception):
    """A release that does not say all that an environment has to know."""


def gather(folder: Path) -> dict[str, Any]:
    """Join the parts of a release. Raises Incomplete where an image is missing or is of another revision."""
    parts = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    sources = {part["image"]: part["source"] for part in parts}
    if missing := sorted({image.name for image in IMAGES} - set(sources)):
        raise Incomplete(f"no digest of {', '.join(missing)}")
    revisions = {part["revision"] for part in parts}
    if len(revisions) != 1:
        raise Incomplete(f"images of {len(revisions)} revisions: {', '.join(sorted(revisions))}")
    return {"revision": revisions.pop(), "images": sources}


def kustomization(environment: str, release: dict[str, Any], registry: str, here: Path) -> Manifest:
    """The environment's overlay with each image by its digest, as seen from a folder."""
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(OVERLAYS / environment, here)],
        "images": [
            {"name": f"fraudstream/{name}", "newName": f"{registry}/{name}", "digest": source.partition("@")[2]}
            for name, source in sorted(release["images"].items())
        ],
        "configurations": ["fields.yaml"],
    }


def render(environment: str, release: dict[str, Any], registry: str) -> list[Manifest]:
    """All objects of the environment. Raises Incomplete where one runs an image of the product without a digest."""
    with tempfile.TemporaryDirectory() as folder:
        # Kustomize takes relative paths only, and follows links before it looks at them.
        here = Path(folder).resolve()
        (here / "kustomization.yaml").write_text(
            yaml.safe_dump(kustomization(environment, release, registry, here)), encoding="utf-8"
        )
        (here / "fields.yaml").write_text((OVERLAYS.parent / "base" / "fields.yaml").read_text(), encoding="utf-8")
        done = subprocess.run(["kubectl", "kustomize", here], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Incomplete(done.stderr)
    if "fraudstream/" in (left := done.stdout) and ":dev" in left:
        names = sorted({word for word in left.split() if word.startswith("fraudstream/") and word.endswith(":dev")})
        if names:
            raise Incomplete(f"without a digest: {', '.join(names)}")
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def phase(manifest: Manifest) -> str:
    """The file that an object goes to."""
    if manifest["metadata"].get("labels", {}).get("fraudstream.io/phase") == "before-rollout":
        return PHASES[1]
    return PHASES[2] if manifest["kind"] in RUNS else PHASES[0]


def main() -> None:
    try:
        match sys.argv[1:]:
            case ["gather", folder, target]:
                Path(target).write_text(json.dumps(gather(Path(folder)), indent=2) + "\n", encoding="utf-8")
            case ["render", environment, source, registry, folder]:
                manifests = render(environment, json.loads(Path(source).read_text()), registry)
                Path(folder).mkdir(parents=True, exist_ok=True)
                for name in PHASES:
                    chosen = [manifest for manifest in manifests if phase(manifest) == name]
                    Path(folder, name).write_text(yaml.safe_dump_all(chosen, sort_keys=False), encoding="utf-8")
            case _:
                sys.exit(__doc__)
    except (Incomplete, OSError, json.JSONDecodeError) as error:
        sys.exit(f"release: {error}")


if __name__ == "__main__":
    main()
