"""What can go wrong with a split of traffic.

FraudError
└── RolloutError
    ├── RouteMissing       the cluster has no such route
    ├── RouteConflict      somebody else wrote the route's rules
    ├── RouteChanged       the route changed between reading and writing; the same step may succeed again
    ├── WrongStep          the experiment is not where the command needs it
    └── ClusterRefused     kubectl is missing, or the cluster said no
"""

from __future__ import annotations

from fraud_prevention.domain.errors import FraudError


class RolloutError(FraudError):
    """Root of this tree; the message ends with the cure."""


class RouteMissing(RolloutError):
    """There is no such HTTPRoute, Service or Deployment."""

    def __init__(self, kind: str, namespace: str, name: str) -> None:
        self.kind, self.namespace, self.name = kind, namespace, name
        super().__init__(
            f"no {kind} {name} in namespace {namespace}: name it by --namespace, --route, --service-a and --service-b, "
            "or apply an overlay with the component `ab`"
        )


class RouteConflict(RolloutError):
    """The route's rules are not what this controller wrote, or nothing that it can split."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"route {name}: {reason}")


class RouteChanged(RolloutError):
    """Somebody wrote the route after it was read."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"route {name} changed since it was read; run the command again")


class WrongStep(RolloutError):
    """The command does not fit the experiment's weight."""


class ClusterRefused(RolloutError):
    """A call to the cluster failed."""

    def __init__(self, command: str, reason: str) -> None:
        self.command, self.reason = command, reason
        super().__init__(f"{command}: {reason}")
