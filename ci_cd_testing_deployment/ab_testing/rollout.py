"""The steps of an experiment. Each reads the route, checks that the step fits, and replaces the route."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ci_cd_testing_deployment.ab_testing.cluster import Cluster
from ci_cd_testing_deployment.ab_testing.errors import RouteConflict, RouteMissing, WrongStep
from ci_cd_testing_deployment.ab_testing.history import Stage
from ci_cd_testing_deployment.ab_testing.route import ALL, Manifest, Versions, stages_of, with_stages


@dataclass(frozen=True, slots=True)
class Rollout:
    """One split on one route. `now_s` tells the time in seconds since 1970; in a dry run the route stays as it is."""

    cluster: Cluster
    versions: Versions
    now_s: Callable[[], float]
    is_dry_run: bool = False

    def stages(self) -> tuple[Stage, ...]:
        """The steps so far, none without an experiment. Raises RouteConflict where the rules do not fit them."""
        return stages_of(self.cluster.route(), self.versions)

    def start(self, weight: int) -> int:
        """Begin an experiment at this weight. Raises WrongStep where one runs."""
        route = self.cluster.route()
        if stages := stages_of(route, self.versions):
            raise WrongStep(f"an experiment runs at weight {stages[-1].weight}: `ramp`, `promote` or `rollback` it")
        for service in (self.versions.a, self.versions.b):
            if not self.cluster.service_exists(service):
                raise RouteMissing("Service", route["metadata"].get("namespace", "default"), service)
        return self._step(route, (), weight)

    def ramp(self, weight: int) -> int:
        """Raise version b to this weight. Raises WrongStep for a lower one, which would move customers back."""
        route, stages = self._running()
        if weight < stages[-1].weight:
            raise WrongStep(
                f"version b has {stages[-1].weight} %, and {weight} would move customers back to version a: "
                "`rollback` gives all of them back at once"
            )
        return self._step(route, stages, weight)

    def promote(self) -> int:
        """Give version b everything; it keeps version a ready for a rollback until `stop`."""
        return self._step(*self._running(), ALL)

    def rollback(self, *, is_forced: bool = False) -> int:
        """Give version a everything, at once. Forced, it overwrites rules that somebody else wrote."""
        try:
            route, stages = self._running()
        except RouteConflict:
            if not is_forced:
                raise
            route, stages = self.cluster.route(), ()
        return self._step(route, stages, 0)

    def stop(self, *, is_forced: bool = False) -> None:
        """End the experiment: one rule, everything to version a.

        Raises WrongStep while customers are split, or while version a does not run what was promoted. Forced, it does
        neither check.
        """
        route = self.cluster.route()
        if not is_forced:
            _, stages = self._running()
            self._check_that_it_can_stop(stages[-1].weight)
        self.cluster.replace(with_stages(route, self.versions, ()), is_dry_run=self.is_dry_run)

    def _check_that_it_can_stop(self, weight: int) -> None:
        if 0 < weight < ALL:
            raise WrongStep(f"version b has {weight} %: `promote` or `rollback` first")
        a, b = (self.cluster.image(name) for name in (self.versions.a, self.versions.b))
        if weight == ALL and a != b:
            raise WrongStep(
                f"version b was promoted, and {self.versions.a} still runs {a}: set it to {b}, wait for its roll-out "
                f"(`kubectl rollout status deployment/{self.versions.a}`), then stop"
            )

    def _running(self) -> tuple[Manifest, tuple[Stage, ...]]:
        route = self.cluster.route()
        stages = stages_of(route, self.versions)
        if not stages:
            raise WrongStep("no experiment runs: `start` one")
        return route, stages

    def _step(self, route: Manifest, stages: tuple[Stage, ...], weight: int) -> int:
        stages = (*stages, Stage(int(self.now_s()), weight))
        self.cluster.replace(with_stages(route, self.versions, stages), is_dry_run=self.is_dry_run)
        return weight
