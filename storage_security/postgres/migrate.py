"""Brings a database to the schema of this version: `python -m storage_security.postgres.migrate`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from config import PostgresSettings
from storage_security.postgres.engine import availability, connect

_SCRIPTS: Final = Path(__file__).with_name("migrations")


class SchemaOutdated(Exception):
    """The database lacks what this version of the code was written for."""

    def __init__(self, found: str | None, wanted: str) -> None:
        self.found, self.wanted = found, wanted
        super().__init__(
            f"the schema is at revision {found or 'none'}, this version needs {wanted}: "
            "run `python -m storage_security.postgres.migrate`"
        )


def _config() -> Config:
    found = Config()
    found.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    found.set_main_option("path_separator", "os")
    return found


def head() -> str:
    """The newest revision that this version of the code knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def current(dsn: str) -> str | None:
    """The revision of the database; None where nothing was migrated. Raises Unavailable."""
    engine = connect(dsn, pool_size=1)
    try:
        return _revision_of(engine)
    finally:
        engine.dispose()


def require_head(engine: Engine) -> None:
    """Raises SchemaOutdated where the database is behind this version, and Unavailable.

    A revision that this version does not know is a later one's, and migrations only add: so a release that was taken
    back goes on with the schema of the one after it.
    """
    found = _revision_of(engine)
    scripts = ScriptDirectory.from_config(_config())
    if found is None or (found != head() and found in {one.revision for one in scripts.walk_revisions()}):
        raise SchemaOutdated(found, head())


def _revision_of(engine: Engine) -> str | None:
    with availability(), engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(dsn: str, revision: str = "head") -> None:
    """Run what is missing, in one transaction. Several callers at once wait for each other. Raises Unavailable."""
    _run(dsn, revision, is_upgrade=True)


def downgrade(dsn: str, revision: str = "base") -> None:
    """Take migrations back, data included. Raises Unavailable."""
    _run(dsn, revision, is_upgrade=False)


def _run(dsn: str, revision: str, is_upgrade: bool) -> None:
    engine = connect(dsn, pool_size=1)
    try:
        with availability(), engine.begin() as connection:
            config = _config()
            config.attributes["connection"] = connection
            (command.upgrade if is_upgrade else command.downgrade)(config, revision)
    finally:
        engine.dispose()


def main() -> None:
    dsn = PostgresSettings().dsn.get_secret_value()
    upgrade(dsn)
    print(f"schema is at revision {current(dsn)}")  # noqa: T201 - the one line an operator reads


if __name__ == "__main__":
    main()
