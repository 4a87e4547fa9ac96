"""Logs as one JSON object a line on standard error, for every process of the product."""

from __future__ import annotations

import logging
import sys

import orjson
import structlog


def log_json(level: int = logging.INFO) -> None:
    """Set structlog up for this process. No field may hold a card number or a secret: callers log ids only."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_to_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _to_line(event: object, **_: object) -> str:
    return orjson.dumps(event, default=repr).decode()
