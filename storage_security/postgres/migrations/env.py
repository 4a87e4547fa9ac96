"""Alembic's entry: runs the migrations on the connection that `migrate` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

# Any number; all migrators of one database wait for each other on it.
_MIGRATION_LOCK = 7_261_944
_LOCK_TIMEOUT_S = 10


def run() -> None:
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, transaction_per_migration=False)
    with context.begin_transaction():
        # A migration that queues behind a long query would block everyone behind itself: give up instead.
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_S}s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        context.run_migrations()


run()
