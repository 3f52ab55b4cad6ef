"""`unkey-sync backfill SOURCE`, `catch-up SOURCE`: list everything, or replay the source's own feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from unkey_sync.cli.output import CommandError, ExitCode, write_json, write_text
from unkey_sync.cli.progress import progress_on
from unkey_sync.cli.runtime import runtime_of
from unkey_sync.cli.world import session_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync.engine.doubts import SourceAccess
    from unkey_sync.feeder import Feeder, Progress
    from unkey_sync.wiring import Runtime

AsJson = Annotated[bool, typer.Option("--json", help="The result as JSON.")]


def build_backfill() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(backfill)
    return app


def build_catch_up() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(catch_up)
    return app


def backfill(
    context: typer.Context,
    source: str,
    restart: Annotated[bool, typer.Option("--restart", help="Begin again, not where a run stopped.")] = False,
    as_json: AsJson = False,
) -> None:
    """List everything a source has. A run that was stopped goes on where it was."""
    with runtime_of(context, "cli") as runtime:
        access = access_of(runtime, source)
        _follow(
            context,
            f"backfill {source}",
            _feeder(runtime).backfill(source, access, restart=restart),
            as_json=as_json,
        )


def catch_up(
    context: typer.Context,
    source: str,
    since: Annotated[
        float | None, typer.Option(help="Hours to look back, instead of our own cursor.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Replay what a source says happened while nobody listened."""
    with runtime_of(context, "cli") as runtime:
        access = access_of(runtime, source)
        start = None if since is None else runtime.clock.now() - int(since * 3_600_000_000)
        _follow(
            context,
            f"catch-up {source}",
            _feeder(runtime).catch_up(source, access, since=start),
            as_json=as_json,
        )


def access_of(runtime: Runtime, source: str) -> SourceAccess:
    """The API of a source. Raises CommandError with what to configure."""
    if source not in runtime.settings.sources:
        raise CommandError(
            f"no source {source!r} is configured",
            code="unknown_source",
            remedy=f"Configured: {', '.join(sorted(runtime.settings.sources)) or 'none'}.",
            exit_code=ExitCode.USAGE,
        )
    access = runtime.access.get(source)
    if access is None:
        raise CommandError(
            f"source {source!r} has no API key",
            code="no_api_key",
            remedy=f"Set sources.{source}.api_key, or its variable.",
            exit_code=ExitCode.USAGE,
        )
    return access


def _feeder(runtime: Runtime) -> Feeder:
    from unkey_sync import celery_app
    from unkey_sync.bell import Bell
    from unkey_sync.feeder import Feeder
    from unkey_sync.roles.start import check_schema

    check_schema(runtime)
    app = celery_app.create_app(runtime.settings.broker.url.get_secret_value())
    bell = Bell(celery_app.nudge(app), runtime.clock, celery_app.BROKER_FAILURES)
    return Feeder(runtime.ledger, runtime.inbox, runtime.clock, bell.ring)


def _follow(context: typer.Context, name: str, run: Iterator[Progress], *, as_json: bool) -> None:
    world = session_of(context).world
    last: Progress | None = None
    with progress_on(world, name) as show:
        for last in run:
            show(last.done, last.total)
    if last is None or not last.complete:
        raise CommandError(
            f"{name}: the listing ended early", code="incomplete", remedy=f"Run again: unkey-sync {name}"
        )
    if as_json:
        write_json(world, {"done": last.done, "news": last.news, "complete": last.complete})
    else:
        write_text(world, f"{name}: complete, {last.done} objects, {last.news} news")
