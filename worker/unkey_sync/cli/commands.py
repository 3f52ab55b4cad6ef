"""The table of commands. To add one: a line here, and a module with `build() -> typer.Typer`.

Modules are imported when their command runs, so `--help` stays fast whatever they need.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Entry(NamedTuple):
    """Where a command lives (`module`, or `module:function`), and its line in `--help`."""

    module: str
    help: str


COMMANDS: Final = {
    "dev": Entry("unkey_sync.cli.dev", "The whole service in one process, with a sandbox Unkey."),
    "serve": Entry("unkey_sync.cli.roles:build_serve", "Receive webhooks."),
    "worker": Entry("unkey_sync.cli.roles:build_worker", "Work on subjects that are due."),
    "scheduler": Entry(
        "unkey_sync.cli.roles:build_scheduler", "Catch up with sources, ring for what is due."
    ),
    "consume": Entry("unkey_sync.cli.consume", "Take events from message queues."),
    "demo": Entry("unkey_sync.cli.demo", "A story of webhooks, told step by step."),
    "sandbox": Entry("unkey_sync.cli.sandbox", "A stand-alone Unkey emulator."),
    "status": Entry("unkey_sync.cli.look:build_status", "Counts, oldest open work, Unkey, sources."),
    "drain": Entry("unkey_sync.cli.look:build_drain", "Wait until everything is done."),
    "why": Entry("unkey_sync.cli.look:build_why", "Why a subject has what it has."),
    "subjects": Entry("unkey_sync.cli.look:build_subjects", "List and show subjects."),
    "sync": Entry("unkey_sync.cli.sync", "Bring one subject up to date now."),
    "keys": Entry("unkey_sync.cli.keys", "Key slots: list, rotate, reveal, revoke."),
    "events": Entry("unkey_sync.cli.events", "List, show, replay and discard events."),
    "backfill": Entry("unkey_sync.cli.feeds:build_backfill", "List everything a source has."),
    "catch-up": Entry("unkey_sync.cli.feeds:build_catch_up", "Replay what a source says happened."),
    "db": Entry("unkey_sync.cli.db", "The ledger's schema."),
    "config": Entry("unkey_sync.cli.config", "Show, check and locate the configuration."),
    "doctor": Entry("unkey_sync.cli.doctor", "Find what is wrong with this set-up, with remedies."),
    "trigger": Entry("unkey_sync.cli.trigger", "Sign a sample event and post it to the receiver."),
    "verify": Entry("unkey_sync.cli.verify", "Say why the signature of a delivery fails."),
    "mapping": Entry("unkey_sync.cli.mapping", "Show the events that a payload would give."),
    "version": Entry("unkey_sync.cli.version", "Print the version."),
}
