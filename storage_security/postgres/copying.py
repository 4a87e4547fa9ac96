"""Bulk writes: COPY into a temporary table, then INSERT what is new, in the caller's transaction."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson
import psycopg2.extensions
from sqlalchemy import DateTime, Table

_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_NULL: Final = "\\N"


def cell(value: Any) -> str:
    """One value in COPY's text format. Sequences are text arrays, mappings are JSON. This is the sink's hot spot."""
    kind = type(value)
    if kind is str:
        # Nearly every text is an id: looking is several times cheaper than translating.
        return value if value.isprintable() and "\\" not in value else str(value.translate(_ESCAPES))
    if kind is int or kind is float:
        return repr(value)
    if value is None:
        return _NULL
    if kind is bool:
        return "t" if value else "f"
    if kind is dict:
        return orjson.dumps(value).decode().translate(_ESCAPES)
    if kind is bytes:
        return str(value.decode().translate(_ESCAPES))
    if not value:
        return "{}"
    items = ('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in value)
    return ("{" + ",".join(items) + "}").translate(_ESCAPES)


class Staging:
    """A temporary table beside `table`, emptied at each commit. Moments are staged as ms since 1970.

    `columns` are those that rows bring, in their order.
    """

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        self.name = f"staged_{table.name}"
        self._columns = ", ".join(columns)
        shape = ", ".join(self._staged(table, c) for c in columns)
        self._values = ", ".join(self._value(table, c) for c in columns)
        self._table = table.name
        self._shape = f"SELECT {shape} FROM {table.name} WITH NO DATA"  # noqa: S608 - names of this repository

    @staticmethod
    def _staged(table: Table, column: str) -> str:
        return f"0::bigint AS {column}" if isinstance(table.c[column].type, DateTime) else column

    @staticmethod
    def _value(table: Table, column: str) -> str:
        return f"to_timestamp({column} / 1000.0)" if isinstance(table.c[column].type, DateTime) else column

    def create(self, cursor: psycopg2.extensions.cursor) -> None:
        """Once a connection; does nothing where the table is there."""
        cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {self.name} ON COMMIT DELETE ROWS AS {self._shape}")

    def fill(self, cursor: psycopg2.extensions.cursor, rows: Iterable[Sequence[Any]]) -> None:
        """Rows in the order of `columns`."""
        lines = "".join(["\t".join([cell(value) for value in row]) + "\n" for row in rows])
        cursor.copy_expert(f"COPY {self.name} ({self._columns}) FROM STDIN", io.StringIO(lines))

    @property
    def insert_new(self) -> str:
        """SQL that moves the staged rows over; a row whose key is there changes nothing."""
        return (
            f"INSERT INTO {self._table} ({self._columns}) SELECT {self._values} FROM {self.name} "  # noqa: S608 - names of this repository
            "ON CONFLICT DO NOTHING"
        )
