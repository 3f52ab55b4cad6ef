"""`unkey-sync db upgrade|current|check`: the ledger's schema."""

from __future__ import annotations

import typer

from unkey_sync.cli.output import CommandError, ExitCode, write_text
from unkey_sync.cli.runtime import runtime_of
from unkey_sync.cli.world import session_of
from unkey_sync.ledger import revision


def build() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="The ledger's schema.")
    app.command("upgrade")(upgrade)
    app.command("current")(current)
    app.command("check")(check)
    return app


def upgrade(context: typer.Context) -> None:
    """Bring the schema up to date. Safe to run twice, and from two places at once."""
    from unkey_sync.ledger import migrate

    with runtime_of(context, "cli") as runtime:
        migrate.upgrade(runtime.ledger.engine)
        write_text(session_of(context).world, f"schema {revision.HEAD}")


def current(context: typer.Context) -> None:
    """Print the revision the database is at."""
    with runtime_of(context, "cli") as runtime:
        write_text(session_of(context).world, revision.current(runtime.ledger.engine) or "empty")


def check(context: typer.Context) -> None:
    """Exit 0 when the schema is the one this program wants, 3 when an upgrade is pending."""
    with runtime_of(context, "cli") as runtime:
        found, wanted = revision.current(runtime.ledger.engine), revision.HEAD
    if found != wanted:
        raise CommandError(
            f"the schema is {found or 'empty'} and should be {wanted}",
            code="schema",
            remedy="Run: unkey-sync db upgrade",
            exit_code=ExitCode.PENDING,
        )
    write_text(session_of(context).world, f"schema {wanted}")
