"""`unkey-sync dev`: the whole service in one process, ready to be played with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from unkey_sync.cli.output import note, write_text
from unkey_sync.cli.roles import Host, Port  # noqa: TC001  -- Typer reads annotations at run time
from unkey_sync.cli.runtime import runtime_of, web_flags
from unkey_sync.cli.world import session_of

if TYPE_CHECKING:
    from collections.abc import Callable

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
    flags: dict[tuple[str, ...], Any] = {**web_flags(host, port), **dev_sources(settings)}
    sandbox = role.DevSandbox(state=settings.state_dir / "sandbox.db")
    if settings.unkey.root_key is None:
        sandbox.start()
        flags |= sandbox.flags()
    try:
        with runtime_of(context, "dev", flags) as runtime:
            raise typer.Exit(role.run(runtime, _announce(session.world, runtime, sandbox)))
    finally:
        sandbox.stop()


def _announce(world: World, runtime: Runtime, sandbox: DevSandbox) -> Callable[[str], None]:
    def ready(url: str) -> None:
        for name, source in runtime.settings.sources.items():
            secrets = ", ".join(secret.get_secret_value() for secret in source.webhook_secrets)
            note(world, f"webhook   {url}/webhooks/{name}   secret {secrets}")
        if sandbox.url:
            note(world, f"sandbox   {sandbox.url}   (instead of Unkey; the page shows what it holds)")
        note(world, f"try       unkey-sync trigger clerk user.created --url {url}")
        note(world, f"          curl {url}/readyz")
        write_text(world, json.dumps({"event": "ready", "url": url, "sandbox": sandbox.url or None}))
        world.out.flush()

    return ready
