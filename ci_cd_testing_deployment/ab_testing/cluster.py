"""The cluster as the controller sees it: one route that can be read and written, and what its versions run."""

from __future__ import annotations

from copy import deepcopy
from typing import Protocol

from ci_cd_testing_deployment.ab_testing.errors import RouteChanged, RouteMissing
from ci_cd_testing_deployment.ab_testing.history import HISTORY
from ci_cd_testing_deployment.ab_testing.route import Manifest, history_of


class Cluster(Protocol):
    """May block for the time-out of one call; raises ClusterRefused where the cluster does not answer or refuses."""

    def route(self) -> Manifest:
        """The route as it is, with its resourceVersion. Raises RouteMissing."""

    def write(self, route: Manifest, *, is_dry_run: bool = False) -> None:
        """Write the rules and the history of a route that was read; in a dry run, only have them checked.

        Raises RouteChanged, and changes nothing, where the route has changed since it was read.
        """

    def service_exists(self, name: str) -> bool:
        """Whether there is a Service of this name."""

    def image(self, deployment: str) -> str:
        """The image that the Deployment's first container runs. Raises RouteMissing."""


class MemoryCluster:
    """A cluster in memory with one route; each writing raises its resourceVersion."""

    def __init__(self, route: Manifest | None, images: dict[str, str], namespace: str = "fraudstream") -> None:
        self._route = deepcopy(route)
        self._revision = 1
        self._namespace = namespace
        self.images = dict(images)

    def route(self) -> Manifest:
        if self._route is None:
            raise RouteMissing("HTTPRoute", self._namespace, "decision-api")
        read = deepcopy(self._route)
        read["metadata"]["resourceVersion"] = str(self._revision)
        return read

    def write(self, route: Manifest, *, is_dry_run: bool = False) -> None:
        held = self.route()
        if route["metadata"].get("resourceVersion") != held["metadata"]["resourceVersion"]:
            raise RouteChanged(route["metadata"]["name"])
        if not is_dry_run:
            held["spec"]["rules"] = deepcopy(route["spec"]["rules"])
            held["metadata"]["annotations"] = {**held["metadata"].get("annotations", {}), HISTORY: history_of(route)}
            self._route = held
            self._revision += 1

    def service_exists(self, name: str) -> bool:
        return name in self.images

    def image(self, deployment: str) -> str:
        if deployment not in self.images:
            raise RouteMissing("Deployment", self._namespace, deployment)
        return self.images[deployment]
