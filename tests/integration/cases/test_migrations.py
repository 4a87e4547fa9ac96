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

pytestmark = pytest.mark.integration


def test_schema_goes_up_down_and_up_again(empty_database: str) -> None:
    assert current(empty_database) is None
    upgrade(empty_database)
    assert current(empty_database) == head()
    downgrade(empty_database)
    engine = connect(empty_database, pool_size=1)
    assert inspect(engine).get_table_names() == ["alembic_version"]
    with engine.connect() as connection:
        left = connection.execute(text("SELECT count(*) FROM pg_proc WHERE proname = 'refuse_change'")).scalar_one()
    assert left == 0
    engine.dispose()
    upgrade(empty_database)
    assert current(empty_database) == head()


def test_migrated_schema_equals_the_tables_of_the_code(database: str) -> None:
    engine = connect(database, pool_size=1)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_two_migrators_at_once_wait_for_each_other(empty_database: str) -> None:
    command = [sys.executable, "-m", "storage_security.postgres.migrate"]
    environment = {**os.environ, "FRAUD_POSTGRES_DSN": empty_database}
    migrators = [subprocess.Popen(command, env=environment, cwd=ROOT) for _ in range(2)]
    assert [m.wait(timeout=60) for m in migrators] == [0, 0]
    assert current(empty_database) == head()


@pytest.mark.parametrize("statement", ["UPDATE case_events SET actor = 'x'", "DELETE FROM case_events"])
def test_history_of_a_case_cannot_be_changed(database: str, statement: str) -> None:
    engine = connect(database, pool_size=1)
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
