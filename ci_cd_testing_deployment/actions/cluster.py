"""What a deployment asks of a cluster, and kubectl's way of doing it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Object = Mapping[str, Any]


class ClusterError(Exception):
    """The cluster refused, or did not do in time what was asked."""


class Cluster(Protocol):
    """One cluster. Every call raises ClusterError, with what the cluster said."""

    def apply(self, objects: Sequence[Object]) -> None:
        """Make these objects as they are said, and leave the others alone."""

    def delete(self, kind: str, name: str) -> None:
        """Remove it, if it is there."""

    def get(self, kind: str, name: str) -> Object | None:
        """The object as it is, or None."""

    def wait_rolled_out(self, name: str, timeout_s: int) -> None:
        """Until every pod of the Deployment is of its newest version and ready."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """The cluster of the current context."""

    namespace: str
    program: str = "kubectl"

    def apply(self, objects: Sequence[Object]) -> None:
        """See Cluster.apply."""
        # Server-side, so that what an autoscaler or a canary owns stays theirs.
        text = "\n".join(json.dumps(found) for found in objects)
        self._run("apply", "--server-side", "--field-manager=release", "--filename=-", given=_as_list(text))

    def delete(self, kind: str, name: str) -> None:
        """See Cluster.delete."""
        self._run("delete", kind, name, "--ignore-not-found", "--wait", "--timeout=120s")

    def get(self, kind: str, name: str) -> Object | None:
        """See Cluster.get."""
        shown = self._run("get", kind, name, "--ignore-not-found", "--output=json")
        return json.loads(shown) if shown.strip() else None

    def wait_rolled_out(self, name: str, timeout_s: int) -> None:
        """See Cluster.wait_rolled_out."""
        self._run("rollout", "status", f"deployment/{name}", f"--timeout={timeout_s}s", timeout_s=timeout_s + 30)

    def _run(self, *arguments: str, given: str | None = None, timeout_s: int = 180) -> str:
        command = [self.program, "--namespace", self.namespace, *arguments]
        try:
            done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=timeout_s, check=False)
        except subprocess.TimeoutExpired as error:
            raise ClusterError(f"kubectl {arguments[0]} did not answer within {timeout_s} s") from error
        if done.returncode != 0:
            raise ClusterError(f"kubectl {' '.join(arguments[:3])}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout


def _as_list(lines: str) -> str:
    items = ",".join(line for line in lines.splitlines() if line)
    return f'{{"apiVersion":"v1","kind":"List","items":[{items}]}}'
