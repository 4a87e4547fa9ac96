"""The steps of an experiment. Each reads the route, checks that the step fits, and writes the route."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ci_cd_testing_deployment.ab_testing.cluster import Cluster
from ci_cd_testing_deployment.ab_testing.errors import RouteChanged, RouteConflict, RouteMissing, WrongStep
from ci_cd_testing_deployment.ab_testing.history import Stage
from ci_cd_testing_deployment.ab_testing.route import ALL, Manifest, Versions, stages_of, with_stages

Stages = tuple[Stage, ...]
_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Rollout:
    """One split on one route. `now_s` tells the time in seconds since 1970; in a dry run the route stays as it is."""

    cluster: Cluster
    versions: Versions
    now_s: Callable[[], float]
    is_dry_run: bool = False

    def stages(self) -> Stages:
        """The steps so far, none without an experiment. Raises RouteConflict where the rules do not fit them."""
        return stages_of(self.cluster.route(), self.versions)

    def start(self, weight: int) -> int:
        """Begin an experiment at this weight. Raises WrongStep where one runs."""

        def first(route: Manifest) -> Stages:
            if stages := stages_of(route, self.versions):
                raise WrongStep(f"an experiment runs at weight {stages[-1].weight}: `ramp`, `promote` or `rollback` it")
            for service in (self.versions.a, self.versions.b):
                if not self.cluster.service_exists(service):
                    raise RouteMissing("Service", route["metadata"].get("namespace", "default"), service)
            return (self._stage(weight),)

        return self._change(first)

    def ramp(self, weight: int) -> int:
        """Raise version b to this weight. Raises WrongStep for a lower one, which would move customers back."""

        def higher(route: Manifest) -> Stages:
            stages = self._running(route)
            if weight < stages[-1].weight:
                raise WrongStep(
                    f"version b has {stages[-1].weight} %, and {weight} would move customers back to version a: "
                    "`rollback` gives all of them back at once"
                )
            return (*stages, self._stage(weight))

        return self._change(higher)

    def promote(self) -> int:
        """Give version b everything; version a stays ready for a rollback until `stop`."""
        return self.ramp(ALL)

    def rollback(self, *, is_forced: bool = False) -> int:
        """Give version a everything, at once. Forced, it overwrites rules that somebody else wrote."""

        def back(route: Manifest) -> Stages:
            try:
                stages = self._running(route)
            except RouteConflict:
                if not is_forced:
                    raise
                stages = ()
            return (*stages, self._stage(0))

        return self._change(back)

    def stop(self, *, is_forced: bool = False) -> None:
        """End the experiment: one rule, everything to version a.

        Raises WrongStep while customers are split, or while version a does not run what was promoted. Forced, it does
        neither check.
        """

        def none(route: Manifest) -> Stages:
            if not is_forced:
                self._check_that_it_can_stop(self._running(route)[-1].weight)
            return ()

        self._change(none)

    def _check_that_it_can_stop(self, weight: int) -> None:
        if 0 < weight < ALL:
            raise WrongStep(f"version b has {weight} %: `promote` or `rollback` first")
        a, b = (self.cluster.image(name) for name in (self.versions.a, self.versions.b))
        if weight == ALL and a != b:
            raise WrongStep(
                f"version b was promoted, and {self.versions.a} still runs {a}: set it to {b}, wait for its roll-out "
                f"(`kubectl rollout status deployment/{self.versions.a}`), then stop"
            )

    def _running(self, route: Manifest) -> Stages:
        if stages := stages_of(route, self.versions):
            return stages
        raise WrongStep("no experiment runs: `start` one")

    def _stage(self, weight: int) -> Stage:
        return Stage(int(self.now_s()), weight)

    def _change(self, decide: Callable[[Manifest], Stages]) -> int:
        """Write what `decide` makes of the route, again where it changed meanwhile: gateways write its status."""
        for attempt in range(_ATTEMPTS):
            route = self.cluster.route()
            stages = decide(route)
            try:
                self.cluster.write(with_stages(route, self.versions, stages), is_dry_run=self.is_dry_run)
            except RouteChanged:
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                break
        return stages[-1].weight if stages else 0
