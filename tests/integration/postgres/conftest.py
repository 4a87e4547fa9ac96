"""A migrated database of its own for every test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text

from storage_security.postgres.engine import connect
from storage_security.postgres.migrate import upgrade


@pytest.fixture
def empty_database(postgres_dsn: str) -> Iterator[str]:
    """The DSN of a database without any table, dropped afterwards."""
    name = f"test_{uuid4().hex[:12]}"
    server = connect(postgres_dsn, pool_size=1)
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(postgres_dsn).set(database=name).render_as_string(hide_password=False)
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def database(empty_database: str) -> str:
    """The DSN of a database at the newest revision."""
    upgrade(empty_database)
    return empty_database
