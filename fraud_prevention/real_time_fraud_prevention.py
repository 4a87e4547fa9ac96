"""Entry of the decision API: settings, model and policy first, then a threaded web server.

SIGTERM finishes the requests that are under way, flushes the log and ends.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from gunicorn.app.base import BaseApplication
from pydantic import ValidationError

import config
from fraud_prevention.bootstrap import Api, Brain, Settings, build_api, load_brain
from fraud_prevention.domain.errors import FraudError
from fraud_prevention.log_format import log_json

_GRACE_S = 20
_KEEP_ALIVE_S = 30
_REQUESTS_WAITING = 512


class DecisionServer(BaseApplication):
    """gunicorn with this process's settings; the worker makes its own connections after the fork."""

    def __init__(self, brain: Brain, settings: Settings) -> None:
        self._brain, self._settings = brain, settings
        self._api: Api | None = None
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn before anything starts."""
        api = self._settings.api
        options: dict[str, Any] = {
            "bind": f"{api.host}:{api.port}",
            "worker_class": "gthread",
            "workers": 1,  # one process counts its own metrics; more capacity is more processes
            "threads": api.threads,
            "backlog": _REQUESTS_WAITING,
            "keepalive": _KEEP_ALIVE_S,
            "graceful_timeout": _GRACE_S,
            "timeout": 2 * _GRACE_S,
            "loglevel": "warning",
            "worker_exit": lambda _server, _worker: self._close(),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        """Called by gunicorn in the worker."""
        self._api = build_api(self._brain, self._settings)
        return self._api.app

    def _close(self) -> None:
        if self._api is not None:
            self._api.close()


def read_settings() -> Settings:
    """Settings from the environment; PostgreSQL is optional here. Raises ValidationError and UnknownSetting."""
    config.check_environment()
    has_postgres = "FRAUD_POSTGRES_DSN" in os.environ
    return Settings(
        kafka=config.KafkaSettings(),
        redis=config.RedisSettings(),
        ingest=config.IngestSettings(),
        model=config.ModelSettings(),
        api=config.ApiSettings(),
        postgres=config.PostgresSettings() if has_postgres else None,
    )


def main() -> None:
    """Run until a signal ends it."""
    log_json()
    try:
        settings = read_settings()
        brain = load_brain(settings.model)
    except (ValidationError, config.UnknownSetting, FraudError) as error:
        _give_up(str(error))
    DecisionServer(brain, settings).run()


def _give_up(reason: str) -> NoReturn:
    sys.exit(f"decision API cannot start: {reason}")


if __name__ == "__main__":
    main()
