"""A migrated database with some cases in it, and the commands of an operator."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest

from ci_cd_testing_deployment.local.prerequisites import find_postgres
from config import ROOT
from storage_security.postgres.migrate import upgrade

SCRIPT = ROOT / "ci_cd_testing_deployment/operations/postgres_backup.sh"

_DATA = """
INSERT INTO fraud_summary SELECT '2026-11-01'::timestamptz + n * interval '1 hour', 'approve', n, n * 1000
FROM generate_series(1, 500) n;
INSERT INTO customer_events (event_id, customer_id, kind, event_time, detail)
SELECT 'e-' || n, 'cü-' || n % 7, 'password_change', '2026-11-01'::timestamptz + n * interval '1 minute',
       jsonb_build_object('n', n, 'text', E'line\\nand "quote"')
FROM generate_series(1, 1000) n;
"""

Backup = Callable[..., "subprocess.CompletedProcess[str]"]


def execute(dsn: str, statement: str) -> list[tuple[object, ...]]:
    """Run a statement; returns its rows, if it has any."""
    connection = psycopg2.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def fill(dsn: str) -> None:
    """Bring the database to the newest revision and write rows into it."""
    upgrade(dsn)
    execute(dsn, _DATA)


def tables(dsn: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, in an order that does not depend on where it lies."""
    names = [str(name) for (name,) in execute(dsn, "SELECT relname FROM pg_stat_user_tables")]
    return {name: execute(dsn, f'SELECT t::text FROM "{name}" t ORDER BY 1') for name in names}  # noqa: S608 - names of our own tables


@pytest.fixture
def filled(postgres_dsn: str) -> str:
    """The DSN of a database at the newest revision, with rows in it."""
    fill(postgres_dsn)
    return postgres_dsn


def runner(tools: str = "") -> Backup:
    """Runs the script with these words against a database; `tools` is a folder whose programs go first."""
    path = os.pathsep.join(filter(None, [str(find_postgres()), tools, os.environ["PATH"]]))

    def run(dsn: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PATH": path, "FRAUD_POSTGRES_DSN": dsn}
        return subprocess.run(
            [SCRIPT, *words], env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    return run


@pytest.fixture
def backup() -> Backup:
    """Runs the script with the machine's own tools."""
    return runner()
