"""Connections to PostgreSQL: one pool a process, every wait bounded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from fraud_prevention.domain.errors import Unavailable

_CONNECT_TIMEOUT_S: Final = 5
_POOL_TIMEOUT_S: Final = 5
_DEPENDENCY: Final = "postgresql"


def connect(
    dsn: str, pool_size: int = 4, statement_timeout_ms: int = 30_000, connect_timeout_s: int = _CONNECT_TIMEOUT_S
) -> Engine:
    """An engine that has not connected yet. `dsn` is a libpq URL; libpq waits at least 2 s for a connection."""
    url = make_url(dsn).set(drivername="postgresql+psycopg2")
    options = f"-c statement_timeout={statement_timeout_ms} -c lock_timeout={statement_timeout_ms} -c timezone=UTC"
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_POOL_TIMEOUT_S,
        pool_pre_ping=True,
        # Many rows a round trip: the default sends an upsert of many rows one by one.
        executemany_mode="values_plus_batch",
        executemany_batch_page_size=500,
        # A peer that is gone acknowledges nothing; without a limit the kernel would try for a quarter of an hour.
        connect_args={
            "connect_timeout": connect_timeout_s,
            "tcp_user_timeout": connect_timeout_s * 1000,
            "options": options,
        },
    )


@contextmanager
def availability() -> Iterator[None]:
    """Lost connections, time-outs and deadlocks become Unavailable: the same call may succeed later.

    Errors of the data or of the SQL stay what they are, because a retry would meet them again.
    """
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        raise Unavailable(_DEPENDENCY, _first_line(error)) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable(_DEPENDENCY, _first_line(error)) from error
        raise


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def to_ms(moment: datetime) -> int:
    """Ms since 1970 of a timestamptz."""
    return round(moment.timestamp() * 1000)


def to_moment(ms: int) -> datetime:
    """The timestamptz of ms since 1970."""
    return datetime.fromtimestamp(ms / 1000, UTC)
