"""`unkey-sync serve`, `worker`, `scheduler`: the processes of a deployment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from unkey_sync.cli.output import write_text
from unkey_sync.cli.runtime import bring_up, runtime_of, web_flags
from unkey_sync.cli.world import session_of

if TYPE_CHECKING:
    from collections.abc import Callable

Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes any free one.")]


def build_serve() -> typer.Typer:
    return _single(serve)


def build_worker() -> typer.Typer:
    return _single(worker)


def build_scheduler() -> typer.Typer:
    return _single(scheduler)


def serve(context: typer.Context, host: Host = None, port: Port = None) -> None:
    """Receive webhooks: verify, store, answer."""
    from unkey_sync.roles import receiver

    with runtime_of(context, "receiver", web_flags(host, port)) as runtime:
        bring_up(runtime)
        raise typer.Exit(receiver.run(runtime, announce(context)))


def worker(
    context: typer.Context,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Worker processes; one per core.")] = 1,
) -> None:
    """Work on subjects that are due."""
    from unkey_sync.roles import supervise
    from unkey_sync.roles import worker as role

    if processes > 1:
        session = session_of(context)
        arguments = ["worker"] if session.config is None else ["--config", str(session.config), "worker"]
        session.load()
        raise typer.Exit(supervise.Supervisor(arguments, processes, session.world.clock).run())
    with runtime_of(context, "worker") as runtime:
        bring_up(runtime)
        raise typer.Exit(role.run(runtime))


def scheduler(context: typer.Context) -> None:
    """Catch up with sources and ring for what is due."""
    from unkey_sync.roles import scheduler as role

    with runtime_of(context, "scheduler") as runtime:
        bring_up(runtime)
        raise typer.Exit(role.run(runtime))


def announce(context: typer.Context) -> Callable[[str], None]:
    """Prints the ready line on stdout."""
    world = session_of(context).world

    def ready(url: str) -> None:
        write_text(world, json.dumps({"event": "ready", "url": url}))
        world.out.flush()

    return ready


def _single(command: Callable[..., None]) -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(command)
    return app
