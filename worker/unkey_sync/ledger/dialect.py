"""The few things that SQLite and PostgreSQL want differently: connecting, durability, upserts, claims, errors."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.dialects import postgresql, sqlite

from unkey_sync.errors import ConfigError, Park, Retry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Nobody may hold a row longer than any lease lasts: a killed client's connection can outlive it.
PG_OPTIONS = " ".join(
    f"-c {name}={value}"
    for name, value in {
        "statement_timeout": "30s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "15s",
        "timezone": "UTC",
        # Prepared statements keep the plan of their first minute, made when tables were empty: by index, always.
        "enable_seqscan": "off",
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
        "jit": "off",
    }.items()
)
PG_CONNECT = {
    "options": PG_OPTIONS,
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "unkey-sync",
}


def create_engine(url: str, *, pool_size: int = 4) -> sa.Engine:
    """An engine for `postgresql://…` (psycopg 3) or `sqlite:///…`; connects lazily. Raises ConfigError."""
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError as error:
        raise ConfigError("database url cannot be read; write postgresql://… or sqlite:///path") from error
    if parsed.get_backend_name() == "postgresql":
        return _postgresql(parsed, pool_size)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    raise ConfigError(
        f"database {parsed.get_backend_name()} is not supported; write postgresql://… or sqlite:///path"
    )


def _postgresql(url: sa.URL, pool_size: int) -> sa.Engine:
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=2,
        pool_timeout=5,
        pool_pre_ping=False,
        connect_args=PG_CONNECT,
        hide_parameters=True,
    )


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(
        url, connect_args={"timeout": 10, "check_same_thread": False}, hide_parameters=True
    )
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _on_sqlite_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver's own transaction handling delays BEGIN; we issue it
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _on_sqlite_begin(connection: sa.Connection) -> None:
    # A deferred transaction that turns writer half-way fails at once when another writer was first.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def reactions() -> Iterator[None]:
    """Turn database errors into reactions: what may pass is Retry, what this input causes is Park."""
    try:
        yield
    except (exc.DataError, exc.CompileError, exc.StatementError) as error:
        raise _reaction(error) from error
    except exc.SQLAlchemyError as error:
        raise Retry(f"the database did not answer ({type(error).__name__})") from error


def _reaction(error: exc.SQLAlchemyError) -> Retry | Park:
    passing = isinstance(error, exc.DBAPIError) and not isinstance(error, exc.DataError)
    if passing:
        return Retry(f"the database refused for now ({type(error).__name__})")
    return Park("a value cannot be stored (NUL, wrong encoding or out of range)")


def insert(connection: sa.Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT in the connection's dialect."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def insert_bytes(connection: sa.Connection, table: sa.Table, rows: Mapping[str, bytes]) -> None:
    """Insert into a table of two columns, text and bytes."""
    if connection.dialect.name == "postgresql":
        query = f"INSERT INTO {table.name} SELECT * FROM unnest(CAST(%b AS text[]), CAST(%b AS bytea[]))"  # noqa: S608
        connection.exec_driver_sql(query, (list(rows), list(rows.values())))
        return
    connection.exec_driver_sql(f"INSERT INTO {table.name} VALUES (?, ?)", list(rows.items()))  # noqa: S608


def skip_locked(connection: sa.Connection, query: sa.Select[Any]) -> sa.Select[Any]:
    """Lock the selected rows and pass over those another worker holds; SQLite has one writer anyway."""
    return query.with_for_update(skip_locked=True) if connection.dialect.name == "postgresql" else query
