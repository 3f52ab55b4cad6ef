"""`unkey-sync consume [QUEUE...]`: take events from message queues instead of, or beside, webhooks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from unkey_sync.cli.output import write_text
from unkey_sync.cli.roles import ProbeHost, ProbePort, probe_flags
from unkey_sync.cli.runtime import bring_up, runtime_of
from unkey_sync.cli.world import session_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def build() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(consume)
    return app


def consume(
    context: typer.Context,
    queues: Annotated[
        list[str] | None, typer.Argument(help="Names of [queues.NAME]; all of them if none.")
    ] = None,
    host: ProbeHost = None,
    port: ProbePort = None,
) -> None:
    """Take events from the configured queues. Each message is acknowledged after it is stored."""
    from unkey_sync.consume import role

    world = session_of(context).world

    def ready(names: Sequence[str]) -> None:
        write_text(world, json.dumps({"event": "ready", "queues": list(names)}))
        world.out.flush()

    def listening(url: str) -> None:
        write_text(world, json.dumps({"event": "listening", "url": url}))
        world.out.flush()

    with runtime_of(context, "consumer", probe_flags(host, port)) as runtime:
        bring_up(runtime)
        raise typer.Exit(role.run(runtime, queues or [], role.Announce(ready, listening)))
