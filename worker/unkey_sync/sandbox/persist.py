"""The state file: every committed change in SQLite, so that a sandbox goes on where it was stopped.

Rate-limit windows, histories and faults are not kept. Without a state file none of this runs.
"""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import orjson

from unkey_sync.errors import ConfigError
from unkey_sync.sandbox.state import Change, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from unkey_sync.sandbox.table import Table

_FORMAT = 1


class StateFile:
    """Raises `ConfigError` for a file that is not one of ours."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except sqlite3.DatabaseError as problem:
            raise ConfigError(f"{path}: not a sandbox state file ({problem})") from problem

    def load(self) -> State:
        state = State()
        for table, row in self._rows(state):
            table.put(row)
        return state

    def write(self, changes: Sequence[Change]) -> None:
        """One transaction; a process that dies leaves all of it or nothing."""
        self._db.execute("BEGIN")
        for change in changes:
            if change.after is None:
                self._db.execute("DELETE FROM rows WHERE kind = ? AND id = ?", (change.table, change.row_id))
            else:
                self._db.execute(
                    "INSERT OR REPLACE INTO rows (kind, id, data) VALUES (?, ?, ?)",
                    (change.table, change.row_id, orjson.dumps(change.after)),
                )
        self._db.execute("COMMIT")

    def close(self) -> None:
        self._db.close()

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _FORMAT):
            raise sqlite3.DatabaseError(f"format {version}, this program knows {_FORMAT}")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS rows"
            " (kind TEXT NOT NULL, id TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (kind, id))"
            " WITHOUT ROWID"
        )
        self._db.execute(f"PRAGMA user_version = {_FORMAT}")

    def _rows(self, state: State) -> Iterator[tuple[Table[Any], Any]]:
        for table in state.tables():
            found = self._db.execute("SELECT data FROM rows WHERE kind = ?", (table.name,))
            yield from ((table, row_of(table.row_type, orjson.loads(data))) for (data,) in found)


def row_of(kind: type[Any], data: dict[str, Any]) -> Any:
    """A row from its JSON: the only lists in rows are links, which are tuples."""
    known = {field.name for field in fields(kind)}
    return kind(
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in data.items()
            if name in known
        }
    )


def rows_of(state: State) -> dict[str, list[dict[str, Any]]]:
    """Every table as JSON-ready objects."""
    return {table.name: [asdict(row) for row in table] for table in state.tables()}
