"""A feed that cannot have shown everything is told to whoever asked: on the command line, in the scheduler's log."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs
from unkey_sync.clock import FakeClock
from unkey_sync.deployment import deployment_of
from unkey_sync.ledger import migrate
from unkey_sync.roles.scheduler import Scheduler
from unkey_sync.settings.load import load_settings
from unkey_sync.wiring import Runtime
from unkey_sync_connectors.auth0.streaming import EXPIRED

from tests.contract.feeds.serving import served
from tests.contract.feeds.worlds_auth0 import Auth0World
from tests.unit.cli.running import CommandLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """
[sources.auth0]
kind = "auth0"
api_key = "nobody"
[subjects]
owner = "user"
[[plans]]
name = "free"
default = true
"""
EXPIRED_CURSOR = frozenset({"from_timestamp"})


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[CommandLine]:
    hook = sys.excepthook
    made = CommandLine(tmp_path)
    made.write_config(CONFIG)
    made.environment["UNKEY_SYNC_DATABASE_URL"] = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    world = Auth0World(made.clock, 3)
    world.expired = EXPIRED_CURSOR
    with served(world) as origin:
        made.environment["AUTH0_API_BASE"] = origin
        yield made
    sys.excepthook = hook


def test_the_command_line_names_the_gap_and_what_to_do(cli: CommandLine) -> None:
    shown = cli.run("catch-up", "auth0")
    found = cli.run("catch-up", "auth0", "--json")

    assert (shown.code, found.code) == (0, 0)
    assert f"{EXPIRED}: not all of the past can be known. Next: unkey-sync backfill auth0\n" in shown.err
    assert (found.json["complete"], found.json["gap"]) == (True, EXPIRED)
    assert found.json["remedy"] == "unkey-sync backfill auth0"


@pytest.mark.parametrize(("expired", "warnings"), [(EXPIRED_CURSOR, 1), (frozenset[str](), 0)])
def test_the_scheduler_warns_of_a_gap_and_of_nothing_else(
    tmp_path: Path, expired: frozenset[str], warnings: int
) -> None:
    config = tmp_path / "unkey-sync.toml"
    config.write_text(CONFIG, encoding="utf-8")
    clock = FakeClock()
    world = Auth0World(clock, 3)
    world.expired, world.at_once = expired, 0  # what is served ends; it cannot fall silent
    with served(world) as origin:
        environment = {
            "HOME": str(tmp_path),
            "UNKEY_SYNC_CONFIG": str(config),
            "UNKEY_SYNC_DATABASE_URL": f"sqlite:///{tmp_path / 'ledger.sqlite3'}",
            "AUTH0_API_BASE": origin,
        }
        runtime = Runtime(deployment_of(load_settings(environment)), clock)
        migrate.upgrade(runtime.ledger.engine)
        with capture_logs() as lines:
            Scheduler(runtime, lambda: None)._catch_up()
        runtime.close()

    gaps = [line for line in lines if line["event"] == "catch_up_gap"]
    assert len(gaps) == warnings
    assert all((gap["source"], gap["reason"]) == ("auth0", EXPIRED) for gap in gaps)
    assert [line["event"] for line in lines if line["event"].startswith("caught_up")] == ["caught_up"]
