"""Clusters to split, each with both versions and a plain route."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ci_cd_testing_deployment.ab_testing.cluster import Cluster, MemoryCluster
from ci_cd_testing_deployment.ab_testing.kubectl import KubectlCluster
from ci_cd_testing_deployment.ab_testing.route import Manifest, Versions, new_route

IMAGES = {"decision-api": "fraudstream/decision-api:1", "decision-api-b": "fraudstream/decision-api:2"}

_KUBECTL = """\
import json, pathlib, sys

folder = pathlib.Path({folder!r})
options = dict(w.lstrip("-").split("=", 1) for w in sys.argv[1:] if w.startswith("--") and "=" in w)
namespace, verb, kind, name = [w for w in sys.argv[1:] if not w.startswith("--")]
path = folder / f"{{kind.split('.')[0]}}-{{name}}.json"
if not path.exists():
    sys.exit(f'Error from server (NotFound): {{kind}} "{{name}}" not found')
held = json.loads(path.read_text())
if verb == "patch":
    sent = json.loads(options["patch"])
    if sent["metadata"]["resourceVersion"] != held["metadata"]["resourceVersion"]:
        sys.exit("Error from server (Conflict): the object has been modified")
    if "dry-run" not in options:
        held["metadata"]["resourceVersion"] += "1"
        held["metadata"].setdefault("annotations", {{}}).update(sent["metadata"]["annotations"])
        held["spec"] |= sent["spec"]
        path.write_text(json.dumps(held))
print(json.dumps(held))
"""
"""Speaks as kubectl does to what the adapter asks; the tests of the cluster run the adapter against a real one."""


def plain_route() -> Manifest:
    route = new_route("decision-api", "fraudstream", "/v1/decisions", Versions(), 0)
    route["spec"]["rules"] = Versions().plain_rules("/v1/decisions")
    return route


def memory(route: Manifest | None, _: Path) -> Cluster:
    return MemoryCluster(route, IMAGES)


def kubectl(route: Manifest | None, folder: Path) -> Cluster:
    if route is not None:
        route["metadata"]["resourceVersion"] = "1"
        (folder / "httproute-decision-api.json").write_text(json.dumps(route))
    for name, image in IMAGES.items():
        deployment = {"spec": {"template": {"spec": {"containers": [{"image": image}]}}}}
        (folder / f"deployment-{name}.json").write_text(json.dumps(deployment))
        (folder / f"service-{name}.json").write_text("{}")
    script = folder / "kubectl.py"
    script.write_text(_KUBECTL.format(folder=str(folder)))
    return KubectlCluster("fraudstream", "decision-api", f"{sys.executable} {script}")


Make = Callable[[Manifest | None], Cluster]


@pytest.fixture(params=[memory, kubectl])
def make_cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Make a cluster of each kind from a route."""

    def make(route: Manifest | None) -> Cluster:
        made: Cluster = request.param(route, tmp_path)
        return made

    return make


@pytest.fixture
def cluster(make_cluster: Make) -> Cluster:
    """A cluster of each kind with the plain route."""
    return make_cluster(plain_route())
