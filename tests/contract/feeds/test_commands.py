"""`unkey-sync backfill` and `catch-up` from the outside: options, files, results, exit codes."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from unkey_sync.cli.progress import progress_on
from unkey_sync.cli.world import World
from unkey_sync.clock import FakeClock

from tests.contract.feeds.serving import served
from tests.contract.feeds.worlds import ClerkWorld
from tests.unit.cli.running import CommandLine

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """
[sources.clerk]
kind = "clerk"
api_key = "sk_test_nobody"
[sources.bare]
kind = "stripe"
webhook_secrets = ["whsec_dW5pdC10ZXN0LWtleS0wMTIzNDU2Nzg5YWJjZGVmISE="]
[subjects]
owner = "user"
[[plans]]
name = "free"
default = true
"""
COUNT = 1_100


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[CommandLine]:
    hook = sys.excepthook
    made = CommandLine(tmp_path)
    made.write_config(CONFIG)
    made.environment["UNKEY_SYNC_DATABASE_URL"] = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    yield made
    sys.excepthook = hook


@pytest.fixture
def world(cli: CommandLine) -> Iterator[ClerkWorld]:
    made = ClerkWorld(cli.clock, COUNT)
    with served(made) as origin:
        cli.environment["CLERK_API_BASE"] = origin
        yield made


@pytest.mark.usefixtures("world")
def test_a_plan_counts_and_writes_nothing_then_the_run_finds_the_same(cli: CommandLine) -> None:
    planned = cli.run("backfill", "clerk", "--plan", "--json")
    before = cli.run("status", "--json").json["subjects"]["total"]
    done = cli.run("backfill", "clerk", "--json")

    assert (planned.code, planned.json["plan"], before) == (0, True, 0)
    assert planned.json["news"] == done.json["news"] == COUNT
    assert done.json["missing"] == 0
    assert cli.run("status", "--json").json["subjects"]["total"] == COUNT


@pytest.mark.usefixtures("world")
def test_a_limited_run_says_how_to_go_on_and_the_next_one_does(cli: CommandLine) -> None:
    first = cli.run("backfill", "clerk", "--limit", "1")
    second = cli.run("backfill", "clerk", "--json")

    assert first.code == 0
    assert "To go on: unkey-sync backfill clerk\n" in first.err
    assert (second.json["done"], second.json["complete"]) == (COUNT, True)
    assert second.json["missing"] is None
    assert "--restart" in second.json["missing_unknown"]


def test_ctrl_c_ends_a_run_after_its_page_and_says_how_to_go_on(cli: CommandLine, world: ClerkWorld) -> None:
    def interrupt(call: int) -> None:
        if call == 6:  # four totals, the first page, and now the second
            os.kill(os.getpid(), signal.SIGINT)

    world.before = interrupt
    stopped = cli.run("backfill", "clerk")
    world.before = lambda _: None
    done = cli.run("backfill", "clerk", "--json")

    assert stopped.code == 130
    assert "To go on: unkey-sync backfill clerk\n" in stopped.err
    assert "stopped, 1000 objects" in stopped.out
    assert (done.json["done"], done.json["complete"]) == (COUNT, True)


def test_what_is_not_listed_any_more_is_named_and_nobody_is_removed(
    cli: CommandLine, world: ClerkWorld
) -> None:
    cli.run("backfill", "clerk")
    world.remove("user_0000007")
    cli.clock.advance(60)

    found = cli.run("backfill", "clerk", "--json")

    assert found.json["missing"] == 1
    assert found.json["missing_objects"] == [
        {"kind": "user", "id": "user_0000007", "subject": "user_0000007"}
    ]
    assert cli.run("status", "--json").json["subjects"]["total"] == COUNT


def test_catching_up_from_the_command_line(cli: CommandLine, world: ClerkWorld) -> None:
    cli.clock.advance(7_200)
    world.updated["user_0000007"] = cli.clock.now() // 1_000

    found = cli.run("catch-up", "clerk", "--since", "1", "--json")

    assert (found.code, found.json["news"], found.json["complete"]) == (0, 1, True)


def test_a_csv_file_is_imported_once_and_bad_lines_are_told(cli: CommandLine) -> None:
    path = cli.folder / "users.csv"
    path.write_text("id,blocked,updated_at\nuser_1,,\nuser_2,banned,\nuser_3,,never\n")

    first = cli.run("backfill", "clerk", "--file", str(path), "--json")
    again = cli.run("backfill", "clerk", "--file", str(path), "--json")

    assert (first.code, first.json["news"], first.json["bad"]) == (1, 2, 1)
    assert first.json["bad_rows"] == ["line 4: updated_at is no date"]
    assert again.json["news"] == 0
    assert [one["subject"] for one in cli.run("subjects", "list", "--json").json] == ["user_1", "user_2"]


def test_a_jsonl_file_of_another_source_needs_no_api_key(cli: CommandLine) -> None:
    path = cli.folder / "subs.jsonl"
    path.write_text('{"id": "sub_1", "customer": "cus_1", "status": "active", "lookup_key": "pro"}\n')

    found = cli.run("backfill", "bare", "--file", str(path), "--kind", "subscription", "--json")

    assert (found.code, found.json["news"], found.json["complete"]) == (0, 1, True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["backfill", "nobody"], "unknown_source"),
        (["backfill", "bare"], "no_api_key"),
        (["catch-up", "bare"], "no_api_key"),
        (["backfill", "clerk", "--file", "{file}", "--kind", "robot"], "usage"),
        (["consume"], "config"),
        (["consume", "nobody"], "config"),
    ],
)
def test_what_cannot_work_is_usage_and_says_so(cli: CommandLine, arguments: list[str], code: str) -> None:
    file = cli.folder / "users.csv"
    file.write_text("id\n")

    found = cli.run(*(one.format(file=file) for one in arguments))

    assert found.code == 2
    assert f"error[{code}]" in found.err


def test_progress_tells_rate_failures_and_what_is_left_every_ten_seconds(tmp_path: Path) -> None:
    clock = FakeClock()
    with (
        (tmp_path / "err").open("w") as err,
        progress_on(World(clock=clock, err=err), "backfill clerk") as show,
    ):
        for seconds, done, total, failures in (
            (0, 1_000, 5_000, 0),
            (11, 2_100, 5_000, 0),
            (5, 2_200, 5_000, 0),
        ):
            clock.advance(seconds)
            show(done, total, failures)
        clock.advance(6)
        show(3_200, None, 2)

    assert (tmp_path / "err").read_text().splitlines() == [
        "backfill clerk: 2100 of 5000, 100/s, 29 s left",
        "backfill clerk: 3200, 100/s, 2 failed",
    ]
