"""The images of the product: one table, which builds, manifests, registries and tests read.

`python -m ci_cd_testing_deployment.docker.images` prints names and Dockerfiles, with `--json` everything.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Image:
    """One image, built from the repository's root by `<folder>/<name>.Dockerfile`.

    entries:  files that it starts; what they import is what it holds.
    lock:     stem of its list in `requirements/`; None where it holds no Python.
    data:     files and folders that the code opens by their place.
    port:     what it listens on; None for jobs, whose health a file tells.
    alive_path: path that answers 200 while it lives.
    limit_mb: the most that a node may have to pull for it: its layers as they are sent, base image included.
    """

    name: str
    folder: str
    entries: tuple[str, ...]
    lock: str | None
    limit_mb: int
    data: tuple[str, ...] = ()
    port: int | None = None
    alive_path: str | None = None

    @property
    def dockerfile(self) -> str:
        return f"{self.folder}/{self.name}.Dockerfile"


_CONTRACTS: Final = "data-pipeline/contracts"
_RULES: Final = "fraud_prevention/policy/rules.yaml"

IMAGES: Final = (
    Image("pipeline", "data-pipeline", ("data-pipeline/spark_streaming.py",), "pipeline", 1_200, (_RULES,)),
    Image("producer", "data-pipeline", ("data-pipeline/kafka_producer.py",), "producer", 350, (_CONTRACTS,)),
    Image("trainer", "model", ("model/training/train_model.py",), "trainer", 350),
    Image(
        "decision-api",
        "fraud_prevention",
        ("fraud_prevention/real_time_fraud_prevention.py",),
        "decision-api",
        350,
        (_RULES, _CONTRACTS),
        8080,
        "/healthz",
    ),
    Image(
        "storage-jobs",
        "storage_security",
        (
            "storage_security/sink/__main__.py",
            "storage_security/postgres/migrate.py",
            "storage_security/kafka/admin.py",
        ),
        "storage-jobs",
        350,
        ("storage_security/postgres/migrations",),
    ),
    Image(
        "dashboard-api",
        "visualization_dashboard",
        ("visualization_dashboard/backend/main.py",),
        "dashboard-api",
        350,
        (),
        8081,
        "/healthz",
    ),
    Image("dashboard-web", "visualization_dashboard", (), None, 200, (), 3000, "/healthz"),
)


def image(name: str) -> Image:
    """The image of that name. Raises KeyError, which names those that there are."""
    for found in IMAGES:
        if found.name == name:
            return found
    raise KeyError(f"no image {name}; there are {', '.join(found.name for found in IMAGES)}")


def main() -> None:
    if sys.argv[1:] == ["--json"]:
        lines = [json.dumps([{**asdict(found), "dockerfile": found.dockerfile} for found in IMAGES])]
    else:
        lines = [f"{found.name} {found.dockerfile}" for found in IMAGES]
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
