"""`unkey-sync sandbox`: the emulator of Unkey, stand-alone."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  -- Typer reads annotations at run time
from typing import Annotated

import typer


def build() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(sandbox)
    return app


def sandbox(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any free one.")] = 0,
    seed: Annotated[Path | None, typer.Option(help="TOML file with workspaces, root keys, APIs.")] = None,
    state: Annotated[Path | None, typer.Option(help="File that keeps the state over restarts.")] = None,
) -> None:
    """Serve the sandbox until a signal. Prints one JSON line with its URL and keys when it answers."""
    from unkey_sync.sandbox.server import SandboxOptions, run

    run(SandboxOptions(host=host, port=port, seed=seed, state=state))
