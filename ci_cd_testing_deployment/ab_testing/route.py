"""The HTTPRoute of a split: which request goes to which version, and how a route says so.

Rules are written out with the defaults that an API server would add, so that what is read can be compared with
what was written.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from ci_cd_testing_deployment.ab_testing import buckets
from ci_cd_testing_deployment.ab_testing.errors import RouteConflict
from ci_cd_testing_deployment.ab_testing.history import HISTORY, Stage, read_history, write_history
from fraud_prevention.domain.bucket import BUCKET_HEADER, VERSION_HEADER

Manifest = dict[str, Any]
ALL: Final = 100


@dataclass(frozen=True, slots=True)
class Versions:
    """The Services of version a, which everybody has, and of version b, which is tried; one port for both."""

    a: str = "decision-api"
    b: str = "decision-api-b"
    port: int = 80

    def rules(self, weight: int, path: str) -> list[Manifest]:
        """The rules that give version b this percentage (0 to 100). The first rule that matches a request wins.

        A tester's override stands above all, a customer's bucket above the draw by weight, which serves requests
        without a bucket. Version b has the buckets below its weight: a higher weight moves nobody back to a.
        """
        rules = [
            self._rule("override-b", path, {self.b: ALL}, _header("Exact", VERSION_HEADER, "b")),
            self._rule("override-a", path, {self.a: ALL}, _header("Exact", VERSION_HEADER, "a")),
        ]
        if weight > 0:
            sticky = _header("RegularExpression", BUCKET_HEADER, buckets.below(weight))
            rules.append(self._rule("bucket-b", path, {self.b: ALL}, sticky))
        if weight < ALL:
            sticky = _header("RegularExpression", BUCKET_HEADER, buckets.from_on(weight))
            rules.append(self._rule("bucket-a", path, {self.a: ALL}, sticky))
        return [*rules, self._rule("draw", path, {self.a: ALL - weight, self.b: weight})]

    def plain_rules(self, path: str) -> list[Manifest]:
        """The rules without an experiment: everything to version a."""
        return [self._rule("all", path, {self.a: ALL})]

    def _rule(self, name: str, path: str, shares: dict[str, int], *headers: Manifest) -> Manifest:
        match: Manifest = {"path": {"type": "PathPrefix", "value": path}}
        if headers:
            match["headers"] = list(headers)
        refs = [
            {"group": "", "kind": "Service", "name": service, "port": self.port, "weight": share}
            for service, share in shares.items()
        ]
        return {"name": name, "matches": [match], "backendRefs": refs}


def _header(kind: str, name: str, value: str) -> Manifest:
    return {"type": kind, "name": name, "value": value}


def new_route(name: str, gateway: str, path: str, versions: Versions, weight: int) -> Manifest:
    """A whole HTTPRoute, as a manifest to apply."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": "fraudstream"}},
        "spec": {"parentRefs": [{"name": gateway}], "rules": versions.rules(weight, path)},
    }


def path_of(route: Manifest) -> str:
    """The one path prefix of all rules. Raises RouteConflict for a route that tells paths apart."""
    paths = [m.get("path", {}) for rule in route["spec"].get("rules", []) for m in rule.get("matches", [])]
    found = {(path.get("type"), path.get("value")) for path in paths}
    if len(found) != 1 or next(iter(found))[0] != "PathPrefix":
        raise RouteConflict(
            route["metadata"]["name"], "only a route with one path prefix can be split; give other paths another route"
        )
    return str(paths[0]["value"])


def with_stages(route: Manifest, versions: Versions, stages: tuple[Stage, ...]) -> Manifest:
    """The route at the weight of the last stage; without stages, the plain one. All else, its path too, stays."""
    changed, path = deepcopy(route), path_of(route)
    changed["spec"]["rules"] = versions.rules(stages[-1].weight, path) if stages else versions.plain_rules(path)
    changed["metadata"].setdefault("annotations", {})[HISTORY] = write_history(stages)
    return changed


def history_of(route: Manifest) -> str:
    """The text of the stages; empty where no experiment runs."""
    return str(route["metadata"].get("annotations", {}).get(HISTORY, ""))


def stages_of(route: Manifest, versions: Versions) -> tuple[Stage, ...]:
    """The experiment's stages, oldest first; none where no experiment runs.

    Raises RouteConflict where the rules are not those of the last stage: whoever changed them has to be asked.
    """
    stages = read_history(history_of(route))
    if stages and route["spec"].get("rules") != versions.rules(stages[-1].weight, path_of(route)):
        raise RouteConflict(
            route["metadata"]["name"],
            f"its rules are not those of weight {stages[-1].weight}, which its last step wrote; find who changed them "
            "(`kubectl get httproute -o yaml --show-managed-fields`), then run `rollback --force` or `stop --force`",
        )
    return stages
