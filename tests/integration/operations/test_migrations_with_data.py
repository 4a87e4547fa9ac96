"""An upgrade and the way back, with data: what the older version wrote is there after both.

The revision above the newest is made for the test, as a release would bring it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from storage_security.postgres import migrate
from storage_security.postgres.engine import connect
from tests.fixtures.services import PostgresService
from tests.integration.operations.conftest import Backup, execute, tables

_NEXT = '''
"""Rows of events can carry a note."""

from alembic import op

revision = "next"
down_revision = "{head}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE customer_events ADD COLUMN note text")


def downgrade() -> None:
    op.execute("ALTER TABLE customer_events DROP COLUMN note")
'''


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The code of a version with one revision more; returns the revision before it."""
    before = migrate.head()
    scripts = tmp_path / "migrations"
    shutil.copytree(Path(migrate.__file__).with_name("migrations"), scripts)
    (scripts / "versions" / "v9999_next.py").write_text(_NEXT.format(head=before))
    monkeypatch.setattr(migrate, "_SCRIPTS", scripts)
    return before


def test_data_outlives_an_upgrade_and_the_way_back(filled: str, next_version: str) -> None:
    before = tables(filled)
    migrate.upgrade(filled)
    assert migrate.current(filled) == "next"
    assert len(execute(filled, "SELECT note FROM customer_events")) == 1_000
    migrate.downgrade(filled, next_version)
    assert tables(filled) == before


def test_an_older_schema_is_refused_and_a_later_one_is_not(
    filled: str, next_version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = connect(filled, pool_size=1)
    try:
        with pytest.raises(migrate.SchemaOutdated, match=f"at revision {next_version}, this version needs next"):
            migrate.require_head(engine)
        migrate.upgrade(filled)
        monkeypatch.undo()
        migrate.require_head(engine)  # the version before goes on: what it knows is there
    finally:
        engine.dispose()


def test_a_backup_of_the_older_version_goes_up_after_its_restore(
    backup: Backup, filled: str, tmp_path: Path, next_version: str, postgres_server: PostgresService
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    assert backup(filled, "make", folder).returncode == 0
    again = postgres_server.new_database()
    assert backup(again, "restore", next(folder.iterdir())).returncode == 0
    assert migrate.current(again) == next_version
    migrate.upgrade(again)
    assert execute(again, "SELECT count(*) FROM customer_events WHERE note IS NULL") == [(1_000,)]
