"""Entry of the dashboard API: one process with a thread for each page that follows the feed.

There is no sign-in in this version: whoever reaches the address acts as the officer that the settings name, so it
listens on the loopback unless it is told otherwise.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from gunicorn.app.base import BaseApplication
from pydantic import ValidationError

import config
from fraud_prevention.log_format import log_json
from visualization_dashboard.backend.bootstrap import Dashboard, Settings, build_dashboard

_GRACE_S = 10
_REQUESTS_WAITING = 128


class DashboardServer(BaseApplication):
    """gunicorn with one worker, because the feed's memory is the worker's."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._dashboard: Dashboard | None = None
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn before anything starts."""
        dashboard = self._settings.dashboard
        options: dict[str, Any] = {
            "bind": f"{dashboard.host}:{dashboard.api_port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": dashboard.threads + dashboard.feed_clients,
            "backlog": _REQUESTS_WAITING,
            "graceful_timeout": _GRACE_S,
            "timeout": 3 * _GRACE_S,
            "loglevel": "warning",
            "post_worker_init": lambda _worker: self._end_streams_on_sigterm(),
            "worker_exit": lambda _server, _worker: self._close(),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        """Called by gunicorn in the worker."""
        self._dashboard = build_dashboard(self._settings)
        return self._dashboard.app

    def _end_streams_on_sigterm(self) -> None:
        """The server waits for open requests, and a feed is a request that never ends by itself."""
        finish = signal.getsignal(signal.SIGTERM)
        assert callable(finish)

        def handle(number: int, frame: FrameType | None) -> None:
            if self._dashboard is not None:
                self._dashboard.stop()
            finish(number, frame)

        signal.signal(signal.SIGTERM, handle)

    def _close(self) -> None:
        if self._dashboard is not None:
            self._dashboard.close()


def main() -> None:
    """Run until a signal ends it."""
    log_json()
    try:
        config.check_environment()
        settings = Settings.read()
    except (ValidationError, config.UnknownSetting) as error:
        sys.exit(f"dashboard API cannot start: {error}")
    DashboardServer(settings).run()


if __name__ == "__main__":
    main()
