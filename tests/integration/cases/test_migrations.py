"""The schema goes up, down and up again, and is what the code believes it to be."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from config import ROOT
from storage_security.postgres.engine import connect
from storage_security.postgres.migrate import current, downgrade, head, upgrade
from storage_security.postgres.tables import metadata


def test_schema_goes_up_down_and_up_again(postgres_dsn: str) -> None:
    assert current(postgres_dsn) is None
    upgrade(postgres_dsn)
    assert current(postgres_dsn) == head()
    downgrade(postgres_dsn)
    engine = connect(postgres_dsn, pool_size=1)
    assert inspect(engine).get_table_names() == ["alembic_version"]
    with engine.connect() as connection:
        left = connection.execute(text("SELECT count(*) FROM pg_proc WHERE proname = 'refuse_change'")).scalar_one()
    assert left == 0
    engine.dispose()
    upgrade(postgres_dsn)
    assert current(postgres_dsn) == head()


def test_migrated_schema_equals_the_tables_of_the_code(database: str) -> None:
    engine = connect(database, pool_size=1)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_two_migrators_at_once_wait_for_each_other(postgres_dsn: str) -> None:
    command = [sys.executable, "-m", "storage_security.postgres.migrate"]
    environment = {**os.environ, "FRAUD_POSTGRES_DSN": postgres_dsn}
    migrators = [subprocess.Popen(command, env=environment, cwd=ROOT) for _ in range(2)]
    assert [m.wait(timeout=60) for m in migrators] == [0, 0]
    assert current(postgres_dsn) == head()


@pytest.mark.parametrize("statement", ["UPDATE case_events SET actor = 'x'", "DELETE FROM case_events"])
def test_history_of_a_case_cannot_be_changed(database: str, statement: str) -> None:
    engine = connect(database, pool_size=1)
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
