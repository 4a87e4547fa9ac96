"""kubectl with the administrator's rights, inside the cluster's network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ci_cd_testing_deployment.kubernetes.test_cluster.binaries import binary
from ci_cd_testing_deployment.kubernetes.test_cluster.errors import CommandFailed
from ci_cd_testing_deployment.kubernetes.test_cluster.place import KUBECONFIG
from ci_cd_testing_deployment.kubernetes.test_cluster.processes import inside
from ci_cd_testing_deployment.kubernetes.test_cluster.tools import run


def kubectl(*words: str | Path, stdin: str | None = None, timeout_s: float = 180.0) -> str:
    """What kubectl printed. Raises CommandFailed with what it said instead."""
    return run(inside([binary("kubectl"), "--kubeconfig", KUBECONFIG, *words]), stdin=stdin, timeout_s=timeout_s)


def get(*words: str) -> Any:
    """The object, or the list of objects, as JSON."""
    return json.loads(kubectl("get", "--output=json", *words))


def accepts(*words: str) -> Callable[[], bool]:
    """A condition: whether this command of kubectl succeeds."""

    def is_accepted() -> bool:
        try:
            kubectl(*words, timeout_s=30)
        except CommandFailed:
            return False
        return True

    return is_accepted
