"""`unkey-sync version`."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Annotated

import typer

from unkey_sync.cli.output import write_json, write_text
from unkey_sync.cli.world import session_of


def build() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(show_version)
    return app


def show_version(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Print the version."""
    world, number = session_of(context).world, version("unkey-sync")
    if as_json:
        write_json(world, {"version": number, "python": platform.python_version()})
    else:
        write_text(world, f"unkey-sync {number}")
