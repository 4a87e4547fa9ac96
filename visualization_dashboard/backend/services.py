"""What the routes need, handed to the application by `bootstrap` or by a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from flask import current_app
from prometheus_client import CollectorRegistry

from fraud_prevention.usecases.cases import CaseDesk
from visualization_dashboard.backend.feed import FeedHub
from visualization_dashboard.backend.schemas import Figures

_KEY: Final = "fraud_services"


@dataclass(frozen=True, slots=True)
class Services:
    """`checks` name a dependency each and raise Unavailable where it does not answer."""

    desk: CaseDesk
    feed: FeedHub
    figures: Callable[[], Figures]
    checks: Mapping[str, Callable[[], None]]
    metrics: CollectorRegistry
    officer: str
    clock_ms: Callable[[], int]

    def attach(self) -> dict[str, Services]:
        """The entry of `app.extensions` under which the routes find this object."""
        return {_KEY: self}


def services() -> Services:
    """Of the application that handles this request."""
    found = current_app.extensions[_KEY]
    assert isinstance(found, Services)
    return found
