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

    from unkey_sync.cli.runtime import Flags

Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes any free one.")]
ProbeHost = Annotated[str | None, typer.Option(help="Address for /metrics and probes.")]
ProbePort = Annotated[
    int | None, typer.Option(help="Port for /metrics and probes; 0 takes any free one. Default: none.")
]


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
    host: ProbeHost = None,
    port: ProbePort = None,
) -> None:
    """Work on subjects that are due."""
    from unkey_sync.roles import supervise
    from unkey_sync.roles import worker as role

    if processes > 1:
        session = session_of(context)
        before = [] if session.config is None else ["--config", str(session.config)]
        web = session.load(probe_flags(host, port)).settings.web
        commands = [
            [*before, "worker", "--host", web.host, *port_of(web.probe_port, number)]
            for number in range(processes)
        ]
        raise typer.Exit(supervise.Supervisor(commands, session.world.clock).run())
    with runtime_of(context, "worker", probe_flags(host, port)) as runtime:
        bring_up(runtime)
        raise typer.Exit(role.run(runtime, announce(context)))


def scheduler(context: typer.Context, host: ProbeHost = None, port: ProbePort = None) -> None:
    """Catch up with sources and ring for what is due."""
    from unkey_sync.roles import scheduler as role

    with runtime_of(context, "scheduler", probe_flags(host, port)) as runtime:
        bring_up(runtime)
        raise typer.Exit(role.run(runtime, announce(context)))


def probe_flags(host: str | None, port: int | None) -> Flags:
    """As `web_flags`, for roles whose only pages are /metrics and probes."""
    flags = web_flags(host, None)
    return flags if port is None else {**flags, ("web", "probe_port"): port}


def port_of(base: int | None, number: int) -> list[str]:
    """The option that gives worker process `number` a port of its own."""
    if base is None:
        return []
    return ["--port", str(base + number if base else 0)]


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
