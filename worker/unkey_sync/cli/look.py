"""`unkey-sync status`, `drain`, `why`, `subjects`: look at what the service knows and does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unkey_sync.cli.output import ExitCode, note, write_json, write_table, write_text
from unkey_sync.cli.runtime import ledger_of, no_such_subject
from unkey_sync.cli.status import status_rows
from unkey_sync.cli.subject import subject_tables
from unkey_sync.cli.text import clean
from unkey_sync.cli.world import session_of

if TYPE_CHECKING:
    from unkey_sync.wiring import Runtime

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


def build_status() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(status)
    return app


def build_drain() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(drain)
    return app


def build_why() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(why)
    return app


def build_subjects() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="List and show subjects.")
    app.command("list")(list_subjects)
    app.command("show")(show_subject)
    return app


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Counts, oldest open work, broken promises, Unkey's circuit, each source."""
    from unkey_sync import reports

    with ledger_of(context) as runtime:
        found = reports.status(runtime)
    world = session_of(context).world
    if as_json:
        write_json(world, found)
        return
    write_table(world, [[clean(cell) for cell in row] for row in status_rows(found)])


def drain(
    context: typer.Context,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait at most.")] = 60,
) -> None:
    """Wait until nothing is pending, due or leased: exit 0, else 1."""
    from unkey_sync import reports

    world = session_of(context).world
    never = threading.Event()
    with ledger_of(context) as runtime:
        until = runtime.clock.monotonic() + timeout
        while not reports.is_drained(runtime.ledger, runtime.clock.now()):
            if runtime.clock.monotonic() >= until:
                note(world, f"still working after {timeout:g} s; see `unkey-sync status`")
                raise typer.Exit(ExitCode.FAILED)
            runtime.clock.wait(never, 0.1)


def why(context: typer.Context, subject: str, as_json: AsJson = False) -> None:
    """Why a subject has what it has: each field with the event, rule and plan behind it."""
    from unkey_sync import reports
    from unkey_sync.why import explain_rows

    with ledger_of(context) as runtime:
        with runtime.ledger.transaction() as tx:
            work = reports.find_work(tx, subject)
        if work is None:
            raise no_such_subject(subject)
        rows = explain_rows(runtime.planner.desired(work.state()))
    world = session_of(context).world
    if as_json:
        write_json(world, [{"field": row.field, "value": row.value, "because": row.because} for row in rows])
        return
    write_table(world, [[row.field, clean(row.value), clean(row.because)] for row in rows])


def list_subjects(
    context: typer.Context,
    as_json: AsJson = False,
    parked: Annotated[bool, typer.Option("--parked", help="Only those put aside.")] = False,
    limit: Annotated[int, typer.Option(min=1)] = 10_000,
) -> None:
    """Subjects with their plan and identity."""
    from unkey_sync import reports

    with ledger_of(context) as runtime:
        rows = reports.subject_list(runtime.ledger, parked=True if parked else None, limit=limit)
    world = session_of(context).world
    if as_json:
        write_json(world, rows)
        return
    head = ["SUBJECT", "ACCESS", "PLAN", "IDENTITY", "NOTE"]
    write_table(world, [head, *[_subject_row(row) for row in rows]])


def _subject_row(row: dict[str, Any]) -> list[str]:
    remark = f"parked: {row['parked']['reason']}" if row["parked"] else ""
    cells = [row["subject"], row["access"] or "new", row["plan"] or "-", row["identity_id"] or "-", remark]
    return [clean(cell) for cell in cells]


def show_subject(context: typer.Context, subject: str, as_json: AsJson = False) -> None:
    """Everything known of one subject: facts, desired and observed state, keys, operations, edits of others."""
    with ledger_of(context) as runtime:
        found = _view(runtime, subject)
    world = session_of(context).world
    if as_json:
        write_json(world, found)
        return
    for number, table in enumerate(subject_tables(found)):
        if number:
            write_text(world, "")
        write_table(world, [[clean(cell) for cell in row] for row in table])


def _view(runtime: Runtime, subject: str) -> dict[str, Any]:
    from unkey_sync import reports

    found = reports.subject_view(runtime, subject)
    if found is None:
        raise no_such_subject(subject)
    return found
