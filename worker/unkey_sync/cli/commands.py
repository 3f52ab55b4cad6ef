"""The table of commands. To add one: a line here, and a module with `build() -> typer.Typer`.

Modules are imported when their command runs, so `--help` stays fast whatever they need.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Entry(NamedTuple):
    """Where a command lives, and its line in `--help`."""

    module: str
    help: str


COMMANDS: Final = {
    "config": Entry("unkey_sync.cli.config", "Show, check and locate the configuration."),
    "doctor": Entry("unkey_sync.cli.doctor", "Find what is wrong with this set-up, with remedies."),
    "trigger": Entry("unkey_sync.cli.trigger", "Sign a sample event and post it to the receiver."),
    "verify": Entry("unkey_sync.cli.verify", "Say why the signature of a delivery fails."),
    "version": Entry("unkey_sync.cli.version", "Print the version."),
}
