"""What the stack needs to know of a server or an application to run it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ci_cd_testing_deployment.local.place import Context
from ci_cd_testing_deployment.local.process import Launch


class Service(Protocol):
    """One process (with its children) of the stack."""

    @property
    def name(self) -> str:
        """Unique; names its log, its pid file and its port."""

    @property
    def ports(self) -> Mapping[str, int | None]:
        """Ports it listens on by name, each with the number a person would expect, or None."""

    @property
    def depends_on(self) -> tuple[str, ...]:
        """Services that must be ready before it is started."""

    @property
    def ready_timeout_s(self) -> float:
        """Within which time it must be ready, on a busy machine too."""

    def check(self, context: Context) -> None:
        """Raise MissingPrerequisite when it cannot be started here. Quick; changes nothing."""

    def prepare(self, context: Context) -> Launch:
        """Make its folders and configuration and say how to start it. May take minutes (jars). Raises StackError."""

    def is_ready(self, context: Context) -> bool:
        """Whether it answers a real request. Returns within about two seconds, never raises for a server away."""

    def settings(self, context: Context) -> Mapping[str, str]:
        """FRAUD_ variables by which the others find it."""
