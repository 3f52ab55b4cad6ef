"""`unkey-sync events list|show|replay|discard`: the inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from unkey_sync.cli.output import CommandError, note, write_json, write_table
from unkey_sync.cli.runtime import ledger_of
from unkey_sync.cli.text import clean, instant
from unkey_sync.cli.world import session_of

if TYPE_CHECKING:
    from unkey_sync.replay import Replayed

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
State = Annotated[str | None, typer.Option(help="pending, waiting, applied, ignored, parked or discarded.")]
Limit = Annotated[int, typer.Option(min=1, max=100_000)]


def build() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="The inbox.")
    app.command("list")(list_events)
    app.command("show")(show_event)
    app.command("replay")(replay)
    app.command("discard")(discard)
    return app


def list_events(
    context: typer.Context,
    state: State = None,
    source: Annotated[str | None, typer.Option(help="Only of this source.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Newest first."""
    with ledger_of(context) as runtime, runtime.ledger.transaction() as tx:
        rows = tx.events.page(state=state, source=source, limit=limit)
    world = session_of(context).world
    if as_json:
        write_json(world, rows)
        return
    head = ["ID", "SOURCE", "TYPE", "STATE", "RECEIVED", "NOTE"]
    write_table(world, [head, *[_row(row) for row in rows]])


def _row(row: dict[str, Any]) -> list[str]:
    cells = [
        row["id"],
        row["source"],
        row["type"],
        row["state"],
        instant(row["received_at"]),
        row["reason"] or "",
    ]
    return [clean(cell) for cell in cells]


def show_event(context: typer.Context, event_id: str, as_json: AsJson = False) -> None:
    """One event: what it says about which entity, its state and why."""
    with ledger_of(context) as runtime, runtime.ledger.transaction() as tx:
        row = tx.events.get(event_id)
    if row is None:
        raise no_such_event(event_id)
    world = session_of(context).world
    if as_json:
        write_json(world, row)
        return
    write_table(world, [[name, clean(str(value))] for name, value in row.items() if value is not None])


def replay(
    context: typer.Context,
    event_ids: Annotated[list[str] | None, typer.Argument(help="Event ids.")] = None,
    state: State = None,
    limit: Limit = 1000,
) -> None:
    """Read events again from their stored bodies, as if they had just arrived."""
    from unkey_sync.replay import replay as run

    with ledger_of(context) as runtime:
        ids = list(event_ids or [])
        if state is not None:
            with runtime.ledger.transaction() as tx:
                ids += [row["id"] for row in tx.events.page(state=state, source=None, limit=limit)]
        results = [run(runtime, event_id) for event_id in ids]
    _report(context, results)


def _report(context: typer.Context, results: list[Replayed]) -> None:
    world = session_of(context).world
    write_table(world, [[one.event_id, one.outcome, clean(one.reason)] for one in results])
    note(world, f"{sum(one.outcome == 'replayed' for one in results)} of {len(results)} replayed")
    if any(one.outcome != "replayed" for one in results):
        raise typer.Exit(1)


def discard(context: typer.Context, event_ids: list[str]) -> None:
    """Give events up: they stay in the list, and nothing is done for them."""
    from unkey_sync.ledger.event_rows import DISCARDED

    with ledger_of(context) as runtime, runtime.ledger.transaction() as tx:
        for event_id in event_ids:
            if tx.events.get(event_id) is None:
                raise no_such_event(event_id)
        tx.events.finish(event_ids, DISCARDED, runtime.clock.now(), "discarded by hand")


def no_such_event(event_id: str) -> CommandError:
    return CommandError(
        f"no event {event_id!r}", code="no_event", remedy="`unkey-sync events list` shows the newest ones."
    )
