"""`unkey-sync demo`: the story, told on stdout."""

from __future__ import annotations

import resource
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from unkey_sync.cli.output import write_table, write_text
from unkey_sync.cli.world import session_of
from unkey_sync.telemetry.logs import LogOptions, logging_to

if TYPE_CHECKING:
    from unkey_sync.cli.world import World
    from unkey_sync.demo.stage import Stage


def build() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(demo)
    return app


def demo(context: typer.Context) -> None:
    """Start everything on the embedded default, send a story of webhooks, show what Unkey holds."""
    from unkey_sync.demo.stage import Stage

    world = session_of(context).world
    began = world.clock.monotonic()
    options = LogOptions(level="ERROR", style="console", role="demo")
    with (
        tempfile.TemporaryDirectory(prefix="unkey-sync-demo-") as folder,
        logging_to(world.err, options, (), world.clock),
        Stage(Path(folder)) as stage,
    ):
        _tell(stage, world)
        _summary(stage, world)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    write_text(world, f"\n{world.clock.monotonic() - began:.1f} s, {peak_mb:.0f} MB at most.")


def _tell(stage: Stage, world: World) -> None:
    from unkey_sync.demo.story import CHAPTERS, Teller

    def say(text: str) -> None:
        write_text(world, text)
        world.out.flush()

    say("unkey-sync demo: SQLite, in-process broker, sandbox Unkey; signed webhooks over HTTP.\n")
    teller = Teller(stage, say)
    for number, chapter in enumerate(CHAPTERS, start=1):
        say(f"{number}. {chapter.__doc__}")
        chapter(teller)


def _summary(stage: Stage, world: World) -> None:
    rows = [["SUBJECT", "ACCESS", "PLAN", "REQUESTS/MIN", "META"]]
    for row in stage.subjects():
        identity = stage.identity(row["external_id"])
        limits = ", ".join(str(one.limit) for one in identity.limits()) if identity else "-"
        meta = {name: value for name, value in identity.meta.items() if name != "sync"} if identity else {}
        rows.append([row["subject"], row["access"], row["plan"] or "-", limits, str(meta or "-")])
    counts = _counts(stage)
    write_text(world, "\nWhat Unkey holds in the end:")
    write_table(world, rows)
    write_text(world, f"\n{stage.sent} webhooks delivered: {counts}")


def _counts(stage: Stage) -> str:
    with stage.ledger.transaction() as tx:
        states = tx.reports.events_by_state()
    known = sum(states.values())
    parts = [f"{count} {state}" for state, count in sorted(states.items())]
    return ", ".join([*parts, f"{stage.sent - known} duplicates"])
