"""`unkey-sync backfill SOURCE`, `catch-up SOURCE`: list everything (or read it from a file), or replay a feed."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003  -- Typer reads annotations at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unkey_sync.cli.output import CommandError, ExitCode, note, write_json, write_text
from unkey_sync.cli.progress import progress_on
from unkey_sync.cli.runtime import ledger_of
from unkey_sync.cli.signals import stop_on_signal
from unkey_sync.cli.world import session_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from unkey_sync.cli.world import World
    from unkey_sync.engine.doubts import SourceAccess
    from unkey_sync.feeder import Feeder, Progress
    from unkey_sync.files.feed import FileFeed
    from unkey_sync.wiring import Runtime

HOUR = 3_600_000_000
PATIENCE = 10
"""Failures of a source in a row that an attended run waits out."""
MISSING_SHOWN = 1_000

AsJson = Annotated[bool, typer.Option("--json", help="The result as JSON.")]
Since = Annotated[float | None, typer.Option(min=0, help="Hours: take in only what changed since.")]


def build_backfill() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(backfill)
    return app


def build_catch_up() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(catch_up)
    return app


def backfill(  # noqa: PLR0913  -- one argument for each option
    context: typer.Context,
    source: str,
    *,
    plan: Annotated[bool, typer.Option("--plan", help="Count what is new; write nothing.")] = False,
    since: Since = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after about so many objects.")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin again, not where a run stopped.")] = False,
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="CSV or JSONL instead of the API.")
    ] = None,
    kind: Annotated[str, typer.Option(help="Kind of the file's rows that have no `kind`.")] = "user",
    as_of: Annotated[str, typer.Option(help="Date of the file's rows that have no `updated_at`.")] = "",
    as_json: AsJson = False,
) -> None:
    """List everything a source has. A run that was stopped goes on where it was."""
    from unkey_sync import feeder
    from unkey_sync.files.feed import FileFeed

    name = f"backfill {source}" + (f" --file {file}" if file else "")
    with ledger_of(context) as runtime, stop_on_signal() as stop:
        start = None if since is None else runtime.clock.now() - int(since * HOUR)
        wanted = feeder.Wanted(restart=restart, since=start, limit=limit, patience=PATIENCE)
        rows = FileFeed(_known(runtime, source), file, _defaults(runtime, kind, as_of)) if file else None
        feed = rows.feed() if rows else feeder.listing(source, access_of(runtime, source))
        with _feeder(runtime, stop) as runs:
            run = runs.preview(feed, wanted) if plan else runs.follow(feed, wanted)
            outcome = _follow(session_of(context).world, name, run, lambda: rows.bad_count if rows else 0)
        _report(_Report(context, runtime, name, outcome, plan=plan, as_json=as_json, rows=rows, stop=stop))


def catch_up(
    context: typer.Context,
    source: str,
    since: Annotated[
        float | None, typer.Option(min=0, help="Hours to look back, instead of our own cursor.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Replay what a source says happened while nobody listened."""
    name = f"catch-up {source}"
    with ledger_of(context) as runtime, stop_on_signal() as stop:
        access = access_of(runtime, source)
        start = None if since is None else runtime.clock.now() - int(since * HOUR)
        with _feeder(runtime, stop) as runs:
            run = runs.catch_up(source, access, since=start, patience=PATIENCE)
            outcome = _follow(session_of(context).world, name, run, lambda: 0)
        _report(_Report(context, runtime, name, outcome, as_json=as_json, stop=stop))


def access_of(runtime: Runtime, source: str) -> SourceAccess:
    """The API of a source. Raises CommandError with what to configure."""
    access = runtime.access.get(_known(runtime, source))
    if access is None:
        raise CommandError(
            f"source {source!r} has no API key",
            code="no_api_key",
            remedy=f"Set sources.{source}.api_key, or its variable.",
            exit_code=ExitCode.USAGE,
        )
    return access


def _known(runtime: Runtime, source: str) -> str:
    if source not in runtime.settings.sources:
        raise CommandError(
            f"no source {source!r} is configured",
            code="unknown_source",
            remedy=f"Configured: {', '.join(sorted(runtime.settings.sources)) or 'none'}.",
            exit_code=ExitCode.USAGE,
        )
    return source


def _defaults(runtime: Runtime, kind: str, as_of: str) -> Any:
    from unkey_sync_connectors.base import ConfigProblem

    from unkey_sync.files.rows import Defaults

    try:
        return Defaults.of(kind, as_of, runtime.policy.metadata_keys)
    except ConfigProblem as problem:
        raise CommandError(str(problem), code="usage", exit_code=ExitCode.USAGE) from None


@contextlib.contextmanager
def _feeder(runtime: Runtime, stop: threading.Event) -> Iterator[Feeder]:
    from unkey_sync.bell import bell_for
    from unkey_sync.feeder import Feeder
    from unkey_sync.roles.start import check_schema

    check_schema(runtime)
    with contextlib.closing(bell_for(runtime)) as bell:
        yield Feeder(runtime.ledger, runtime.inbox, runtime.clock, bell.ring, stop)


def _follow(world: World, name: str, run: Iterator[Progress], failures: Callable[[], int]) -> Progress | None:
    last: Progress | None = None
    with progress_on(world, name) as show:
        for last in run:
            show(last.done, last.total, failures())
    return last


@dataclass(frozen=True, slots=True)
class _Report:
    """What is told at the end of a run, and to whom."""

    context: typer.Context
    runtime: Runtime
    name: str
    last: Progress | None
    stop: threading.Event
    plan: bool = False
    as_json: bool = False
    rows: FileFeed | None = None


def _report(report: _Report) -> None:
    world = session_of(report.context).world
    found = _result(report)
    if report.as_json:
        write_json(world, found)
    else:
        write_text(world, _sentence(report, found))
    for text in found.get("bad_rows", ()):
        note(world, f"  {text}")
    if found.get("gap"):
        note(world, f"{found['gap']}: not all of the past can be known. Next: {found['remedy']}")
    if not found["complete"]:
        note(world, f"To go on: unkey-sync {report.name}")
    raise typer.Exit(_exit_code(report, found))


def _exit_code(report: _Report, found: dict[str, Any]) -> ExitCode:
    if report.stop.is_set():
        return ExitCode.INTERRUPTED
    return ExitCode.FAILED if found.get("bad") else ExitCode.OK


def _result(report: _Report) -> dict[str, Any]:
    last = report.last
    found: dict[str, Any] = {
        "done": last.done if last else 0,
        "news": last.news if last else 0,
        "total": last.total if last else None,
        "complete": last.complete if last else False,
        "plan": report.plan,
    }
    if report.rows is not None:
        return {**found, "bad": report.rows.bad_count, "bad_rows": list(report.rows.bad)}
    if report.name.startswith("backfill"):
        return {**found, **_missing(report)}
    if last is None or not last.gap:
        return {**found, "gap": None}
    return {**found, "gap": last.gap, "remedy": f"unkey-sync {report.name.replace('catch-up', 'backfill')}"}


def _missing(report: _Report) -> dict[str, Any]:
    """What the source no longer shows. A report: nobody is removed because of it."""
    doubt = report.last.coverage.doubt() if report.last else "nothing was read"
    if doubt is not None or report.last is None:
        return {"missing": None, "missing_unknown": doubt, "missing_objects": []}
    count, shown = 0, []
    for one in report.last.coverage.missing(report.runtime.ledger):
        count += 1
        if count <= MISSING_SHOWN:
            shown.append({"kind": one.kind, "id": one.id, "subject": one.subject})
    return {"missing": count, "missing_unknown": None, "missing_objects": shown}


def _sentence(report: _Report, found: dict[str, Any]) -> str:
    state = "complete" if found["complete"] else "stopped"
    text = f"{report.name}: {state}, {found['done']} objects, {found['news']} news"
    if report.plan:
        text += ", nothing written"
    if found.get("bad"):
        text += f", {found['bad']} rows could not be read"
    if found.get("missing"):
        text += f"; {found['missing']} known objects are not listed any more (--json names them; nobody is removed)"
    return text
