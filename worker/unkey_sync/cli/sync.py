"""`unkey-sync sync SUBJECT [--plan]`: one subject now, the same code path as events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from unkey_sync.cli.output import CommandError, ExitCode, write_json, write_table, write_text
from unkey_sync.cli.runtime import ledger_of, no_such_subject
from unkey_sync.cli.text import clean
from unkey_sync.cli.world import session_of
from unkey_sync.errors import Park

if TYPE_CHECKING:
    from unkey_sync.wiring import Runtime


def build() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(sync)
    return app


def sync(
    context: typer.Context,
    subject: str,
    plan: Annotated[bool, typer.Option("--plan", help="Show what would be done; do nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    detailed: Annotated[
        bool, typer.Option("--detailed-exitcode", help="With --plan: exit 3 when changes are pending.")
    ] = False,
) -> None:
    """Bring one subject up to date now."""
    with ledger_of(context) as runtime:
        shown = _preview(runtime, subject) if plan else _apply(runtime, subject)
    world = session_of(context).world
    if as_json:
        write_json(world, shown)
    else:
        rows = [[clean(one["subject"]), one["operation"], clean(one["why"])] for one in shown["operations"]]
        write_table(world, rows) if rows else write_text(world, "nothing to do")
    if plan and detailed and shown["operations"]:
        raise typer.Exit(ExitCode.PENDING)


def _preview(runtime: Runtime, name: str) -> dict[str, Any]:
    from unkey_sync import previews, reports

    with runtime.ledger.transaction() as tx:
        work = reports.find_work(tx, name)
    if work is None:
        raise no_such_subject(name)
    return previews.preview([work], runtime.planner)


def _apply(runtime: Runtime, name: str) -> dict[str, Any]:
    from unkey_sync import previews, reports
    from unkey_sync.engine.once import sync_now

    with runtime.ledger.transaction() as tx:
        work = reports.find_work(tx, name)
    if work is None:
        raise no_such_subject(name)
    result = sync_now(runtime, work.subject)
    if isinstance(result.error, Park):
        raise CommandError(
            str(result.error),
            code=result.error.code,
            remedy=f"`unkey-sync subjects show {name}` tells more.",
            exit_code=ExitCode.PARKED,
        )
    if result.error is not None:
        raise result.error
    return previews.performed(result)
