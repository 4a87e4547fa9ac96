"""The cluster through kubectl, with whatever rights and context its kubeconfig gives."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import dataclass
from typing import Any, Final

from ci_cd_testing_deployment.ab_testing.errors import ClusterRefused, RouteChanged, RouteMissing
from ci_cd_testing_deployment.ab_testing.history import HISTORY
from ci_cd_testing_deployment.ab_testing.route import Manifest, history_of

_ROUTES: Final = "httproute.gateway.networking.k8s.io"
_OWNER: Final = "fraudstream-ab"


@dataclass(frozen=True, slots=True)
class KubectlCluster:
    """`command` is kubectl and its first words ("kubectl --context staging"); see the port for what is promised."""

    namespace: str
    name: str
    command: str = "kubectl"
    timeout_s: float = 30.0

    def route(self) -> Manifest:
        found: Manifest = self._get(_ROUTES, self.name)
        return found

    def write(self, route: Manifest, *, is_dry_run: bool = False) -> None:
        """See the port. A patch, because `kubectl replace` would write the resourceVersion into the annotation by which
        a later `kubectl apply` knows what was applied, and that apply would fail.
        """
        version = route["metadata"]["resourceVersion"]
        patch = {
            "metadata": {"resourceVersion": version, "annotations": {HISTORY: history_of(route)}},
            "spec": {"rules": route["spec"]["rules"]},
        }
        words = [
            "patch",
            _ROUTES,
            self.name,
            "--type=merge",
            f"--patch={json.dumps(patch)}",
            f"--field-manager={_OWNER}",
        ]
        self._run([*words, *(["--dry-run=server"] if is_dry_run else [])])

    def service_exists(self, name: str) -> bool:
        try:
            self._get("service", name)
        except RouteMissing:
            return False
        return True

    def image(self, deployment: str) -> str:
        found: str = self._get("deployment.apps", deployment)["spec"]["template"]["spec"]["containers"][0]["image"]
        return found

    def _get(self, kind: str, name: str) -> Any:
        try:
            return json.loads(self._run(["get", kind, name, "--output=json"]))
        except ClusterRefused as error:
            if "(NotFound)" in error.reason:
                raise RouteMissing(kind.split(".", maxsplit=1)[0], self.namespace, name) from error
            raise

    def _run(self, words: list[str]) -> str:
        whole = [*shlex.split(self.command), "--namespace", self.namespace, *words]
        try:
            done = subprocess.run(
                whole, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=self.timeout_s, check=False
            )
        except FileNotFoundError as error:
            raise ClusterRefused(whole[0], "not found; install kubectl or name it by --kubectl") from error
        except subprocess.TimeoutExpired as error:
            raise ClusterRefused(
                shlex.join(whole), f"no answer in {self.timeout_s:.0f} s; is the cluster reachable (`kubectl version`)?"
            ) from error
        if done.returncode == 0:
            return done.stdout
        # kubectl repeats each failed attempt as a log line of its own before it says what is wrong.
        reason = "\n".join(line for line in done.stderr.strip().splitlines() if "memcache.go" not in line)
        if "The connection to the server" in reason:
            reason += "\nchoose the cluster first: kubectl config get-contexts"
        if "(Conflict)" in reason:
            raise RouteChanged(self.name)
        raise ClusterRefused(shlex.join(whole), reason)
