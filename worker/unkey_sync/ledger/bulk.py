"""Many rows in one statement whose text never depends on their number: they travel as one JSON array.

So the driver prepares each statement once, the database plans it once, and a batch of 200 costs one round trip.
Values are text, integers, booleans and null; bytes do not travel this way.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from unkey_sync.errors import Park

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Columns = Sequence[sa.Column[Any]] | sa.ColumnCollection[str, sa.Column[Any]]

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class Bulk:
    """A statement in which `{said}` stands for the rows, a FROM item named `said` with the columns `takes`.

    `gives`: the columns of its answer. `sqlite`: its text there, where that differs.
    """

    def __init__(self, text: str, takes: Columns, gives: Columns = (), *, sqlite: str = "") -> None:
        self._by_dialect = {
            "postgresql": _answering(text.format(said=_postgresql(takes)), gives),
            "sqlite": _answering((sqlite or text).format(said=_sqlite(takes)), gives),
        }

    def run(self, connection: sa.Connection, rows: Iterable[object]) -> sa.CursorResult[Any]:
        """Execute it for these rows: mappings or dataclasses with at least the columns as fields.

        Raises Park for text that a database cannot hold.
        """
        return connection.execute(self._by_dialect[connection.dialect.name], {"rows": _dump(list(rows))})


def load(*by: sa.Column[Any], gives: Columns = (), where: str = "true", lock: bool = False) -> Bulk:
    """Rows whose `by` columns are equal to the said ones, and that are as `where` says.

    `gives`: the columns wanted, all by default. `lock`: nobody else changes the rows meanwhile; on SQLite, whoever
    writes is alone anyway.
    """
    table, columns = by[0].table, gives or by[0].table.c
    wanted = f"SELECT {_names(columns, 'found.')} FROM {{said}} CROSS JOIN"  # noqa: S608  -- names from tables.py
    return Bulk(
        f"{wanted} {for_each(table, by, where, lock=lock)}",
        by,
        columns,
        sqlite=f"{wanted} {table} found WHERE {_equal(by)} AND {where}",
    )


def for_each(table: sa.FromClause, by: Columns, where: str = "true", *, lock: bool = False) -> str:
    """PostgreSQL: the rows of a table, `found`, looked up for one said row after the other.

    A plain join leaves it to statistics, and those of a quiet moment make it read a whole partial index for every
    batch of a backlog. OFFSET and FOR UPDATE keep the planner from making it a plain join again.
    """
    end = "FOR UPDATE" if lock else "OFFSET 0"
    return f"LATERAL (SELECT * FROM {table} found WHERE {_equal(by)} AND {where} {end}) found"  # noqa: S608


def insert(table: sa.Table, then: str = "", gives: Columns = ()) -> Bulk:
    """Insert whole rows. `then`: ON CONFLICT and RETURNING."""
    columns = _names(table.c)
    # SQLite takes ON CONFLICT for a join condition unless a WHERE stands before it.
    text = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {{said}} WHERE true {then}"  # noqa: S608
    return Bulk(text, table.c, gives)


def update(table: sa.Table, by: Columns, change: Columns) -> Bulk:
    """Set the `change` columns of rows whose `by` columns are equal to the said ones."""
    matches = " AND ".join(f"{column} = said.{column.name}" for column in by)
    text = f"UPDATE {table} SET {assignments(change, 'said')} FROM {{said}} WHERE {matches}"  # noqa: S608
    return Bulk(text, [*by, *change])


def assignments(columns: Columns, source: str = "excluded") -> str:
    """`name = source.name` for each column."""
    return ", ".join(f'"{column.name}" = {source}."{column.name}"' for column in columns)


def _equal(by: Columns) -> str:
    return " AND ".join(f'found."{column.name}" = said."{column.name}"' for column in by)


def _names(columns: Columns, prefix: str = "") -> str:
    return ", ".join(f'{prefix}"{column.name}"' for column in columns)


def _answering(text: str, gives: Columns) -> sa.TextClause | sa.TextualSelect:
    # Told of the columns, SQLAlchemy describes the answer once instead of at every execution.
    return sa.text(text).columns(*gives) if gives else sa.text(text)


def _postgresql(columns: Columns) -> str:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
    typed = ", ".join(f'"{column.name}" {column.type.compile(dialect)}' for column in columns)
    return f"json_to_recordset(CAST(:rows AS json)) AS said({typed})"


def _sqlite(columns: Columns) -> str:
    fields = ", ".join(f"json_extract(value, '$.{column.name}') AS \"{column.name}\"" for column in columns)
    return f"(SELECT {fields} FROM json_each(:rows)) AS said"  # noqa: S608  -- names from tables.py


def _dump(rows: list[object]) -> str:
    try:
        raw = orjson.dumps(rows)
    except TypeError as error:
        raise Park("a value cannot be stored (wrong encoding)") from error
    if b"\\u0000" in raw and _NUL.search(raw):
        raise Park("a value cannot be stored (NUL)")  # PostgreSQL refuses it, SQLite would cut the text there
    return raw.decode()
