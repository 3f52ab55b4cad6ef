"""From a command's session to the objects that do the work. Imported only by commands that need them."""

from __future__ import annotations

import contextlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from unkey_sync.cli.output import CommandError
from unkey_sync.cli.world import session_of
from unkey_sync.deployment import deployment_of
from unkey_sync.ledger import revision
from unkey_sync.memory import kept
from unkey_sync.telemetry.logs import LogOptions, logging_to
from unkey_sync.telemetry.redaction import secrets_of
from unkey_sync.wiring import Runtime

if TYPE_CHECKING:
    from collections.abc import Iterator

    import typer

    Flags = dict[tuple[str, ...], Any]


@contextlib.contextmanager
def runtime_of(context: typer.Context, role: str, flags: Flags | None = None) -> Iterator[Runtime]:
    """The runtime of this command, with logs on stderr; closed at the end. Raises ConfigError."""
    session = session_of(context)
    runtime = Runtime(deployment_of(session.load(flags)), session.world.clock, role=role)
    logging = runtime.settings.logging
    style = logging.format or ("console" if session.world.err.isatty() else "json")
    options = LogOptions(level=logging.level, style=style, role=role, version=version("unkey-sync"))
    with logging_to(session.world.err, options, secrets_of(runtime.settings), runtime.clock):
        try:
            with kept():
                yield runtime
        finally:
            runtime.close()


@contextlib.contextmanager
def ledger_of(context: typer.Context) -> Iterator[Runtime]:
    """`runtime_of` for commands that read or write the ledger. Raises Stop when its schema is not this program's."""
    with runtime_of(context, "cli") as runtime:
        bring_up(runtime)
        revision.require_head(runtime.ledger.engine)
        yield runtime


def bring_up(runtime: Runtime, *, servers: bool = False) -> None:
    """Bring the schema of an SQLite file up to date, that of a server only where told to."""
    engine = runtime.ledger.engine
    if engine.dialect.name != "sqlite" and not servers:
        return
    if revision.current(engine) in (None, *revision.REVISIONS[:-1]):
        from unkey_sync.ledger import migrate

        migrate.upgrade(engine)


def web_flags(host: str | None, port: int | None) -> Flags:
    """`--host` and `--port` as settings."""
    flags: Flags = {}
    if host is not None:
        flags["web", "host"] = host
    if port is not None:
        flags["web", "port"] = port
    return flags


def no_such_subject(name: str) -> CommandError:
    return CommandError(
        f"no subject {name!r}", code="no_subject", remedy="`unkey-sync subjects list` shows all of them."
    )
