"""`unkey-sync dev`: the whole service in one process, ready to be played with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from unkey_sync.cli.output import note, write_text
from unkey_sync.cli.roles import Host, Port  # noqa: TC001  -- Typer reads annotations at run time
from unkey_sync.cli.runtime import bring_up, runtime_of, web_flags
from unkey_sync.cli.world import session_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from unkey_sync.cli.world import World
    from unkey_sync.roles.dev import DevSandbox
    from unkey_sync.wiring import Runtime


def build() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(dev)
    return app


def dev(context: typer.Context, host: Host = None, port: Port = None) -> None:
    """Receiver, worker and scheduler in one process; without a root key, a sandbox Unkey beside them."""
    from unkey_sync.roles import dev as role
    from unkey_sync.settings.dev_sources import dev_sources

    session = session_of(context)
    settings = session.load().settings
    made = dev_sources(settings)
    flags: dict[tuple[str, ...], Any] = {**web_flags(host, port), **made}
    sandbox = role.DevSandbox(state=settings.state_dir / "sandbox.db")
    if settings.unkey.root_key is None:
        sandbox.start()
        flags |= sandbox.flags()
    try:
        with runtime_of(context, "dev", flags) as runtime:
            bring_up(runtime, servers=True)
            secrets = {path[1]: value[0] for path, value in made.items() if path[2] == "webhook_secrets"}
            raise typer.Exit(role.run(runtime, _announce(session.world, runtime, sandbox, secrets)))
    finally:
        sandbox.stop()


def _announce(
    world: World, runtime: Runtime, sandbox: DevSandbox, made: Mapping[str, str]
) -> Callable[[str], None]:
    """Prints where to go. Secrets: only those made here; configured ones never leave the configuration."""

    def ready(url: str) -> None:
        for name in runtime.settings.sources:
            note(world, f"webhook   {url}/webhooks/{name}   secret {made.get(name, 'as configured')}")
        if sandbox.url:
            note(world, f"sandbox   {sandbox.url}   (instead of Unkey; the page shows what it holds)")
        note(world, f"try       unkey-sync trigger clerk user.created --url {url}")
        note(world, f"          curl {url}/readyz")
        write_text(world, json.dumps({"event": "ready", "url": url, "sandbox": sandbox.url or None}))
        world.out.flush()

    return ready
