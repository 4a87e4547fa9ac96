"""`python -m storage_security.sink`: fills the stores from the log and sends what waits in the outbox."""

from __future__ import annotations

import signal
import sys
import threading

from pydantic import ValidationError

import config
from fraud_prevention.log_format import log_json
from storage_security.postgres.migrate import SchemaOutdated
from storage_security.sink.bootstrap import Settings, build_sink


def main() -> None:
    """Run until SIGTERM or SIGINT; the batch under way is finished."""
    log_json()
    try:
        config.check_environment()
        settings = Settings.read()
    except (ValidationError, config.UnknownSetting) as error:
        sys.exit(f"sink cannot start: {error}")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        build_sink(settings, stop).run()
    except SchemaOutdated as error:
        sys.exit(f"sink cannot start: {error}")


if __name__ == "__main__":
    main()
