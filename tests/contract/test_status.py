"""`status` and `doctor` on a ledger in which something is wrong: what they show, and that it cannot harm a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from unkey_sync.clock import SECOND
from unkey_sync.ledger import migrate
from unkey_sync.ledger.breach_rows import UNKEY, Breach
from unkey_sync.ledger.event_rows import EventRow
from unkey_sync.ledger.key_rows import HandoverRow
from unkey_sync.ledger.store import Ledger
from unkey_sync.ledger.tables import keys, subjects
from unkey_sync.watch.state import WatchState, swap_state

from tests.unit.cli.running import CommandLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVIL = "org_\x1b[2J\r\nFORGED\u202e"
CONFIG = """
[sources.toy]
kind = "toy"
webhook_secrets = ["whsec_dW5pdC10ZXN0LWtleS0wMTIzNDU2Nzg5YWJjZGVmISE="]
[[plans]]
name = "free"
default = true
"""


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[CommandLine]:
    hook = sys.excepthook
    made = CommandLine(tmp_path)
    made.write_config(CONFIG)
    made.environment["UNKEY_SYNC_DATABASE_URL"] = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    yield made
    sys.excepthook = hook


@pytest.fixture
def book(cli: CommandLine) -> Iterator[Ledger]:
    made = Ledger(cli.environment["UNKEY_SYNC_DATABASE_URL"])
    migrate.upgrade(made.engine)
    yield made
    made.close()


def spoil(cli: CommandLine, ledger: Ledger) -> None:
    """A parked subject, two keys in slots, a secret that waits, a breach, a source that has gone quiet."""
    now = cli.clock.now()
    with ledger.transaction() as tx:
        tx.subjects.mark_due({EVIL: 0})
        tx.breaches.note([Breach(key_id=EVIL, seen_in=UNKEY, subject=EVIL, cause="suspended")], now)
        swap_state(tx, WatchState(), WatchState(looked_at=now - 3 * SECOND))
        arrived = [_event(number, now) for number in range(20)]
        tx.events.insert_new(arrived)
        tx.events.insert_bodies({row.id: b"sealed" for row in arrived})
        tx.keys.add_handovers([_handover(now)])
    with ledger.engine.begin() as connection:
        connection.execute(sa.update(subjects).values(parked_code=EVIL, parked_reason=EVIL, due_at=None))
        connection.execute(sa.insert(keys), [_key("key_1", enabled=True), _key("key_2", enabled=False)])


def _event(number: int, now: int) -> EventRow:
    at = now - (90_000 + number * 60) * SECOND
    return EventRow(
        id=f"evt_{99 - number:03}",
        source="toy",
        delivery_id=str(number),
        entity_kind="organization",
        entity_id="org_1",
        account="",
        type="x",
        op="upsert",
        version=0,
        occurred_at=at,
        received_at=at,
        state="pending",
    )


def _handover(now: int) -> HandoverRow:
    return HandoverRow(
        id="hov_1",
        subject=EVIL,
        slot="default",
        member="",
        key_id="key_1",
        mode="vault",
        state="ready",
        sealed=b"x",
        created_at=now,
    )


def _key(key_id: str, *, enabled: bool) -> dict[str, object]:
    flags = {"disabled_by_us": False, "armed": True, "orphan": False, "enabled": enabled}
    return {
        "key_id": key_id,
        "subject": EVIL,
        "slot": "default",
        "member": "",
        "generation": 1,
        "roles": "[]",
        **flags,
    }


def test_status_has_what_a_person_must_know(cli: CommandLine, book: Ledger) -> None:
    spoil(cli, book)

    found = cli.run("status", "--json").json

    assert found["parked"] == {EVIL: 1}
    assert found["keys"] == {"enabled": 1, "disabled": 1, "handovers_waiting": {"vault": 1}}
    assert found["breaches"]["by_cause"]["suspended"] == 1
    assert found["breaches"]["looked_seconds"] == 3
    assert found["oldest_due_seconds"] == 90_000 + 19 * 60
    assert found["sources"]["toy"]["last_event_seconds"] == 90_000
    assert found["sources"]["toy"]["silence"] == {"seconds": 90_000, "usual_seconds": 60}


@pytest.mark.usefixtures("book")
def test_status_keeps_its_documented_minimum(cli: CommandLine) -> None:
    found = cli.run("status", "--json").json

    assert {"pending", "applied", "ignored", "parked"} <= found["events"].keys()
    assert found["subjects"].keys() == {"total", "due", "leased", "parked", "staged"}
    assert found["oldest_due_seconds"] == 0
    assert found["unkey"] == {"circuit": "closed"}
    assert found["sources"]["toy"]["last_event_seconds"] is None
    assert found["breaches"]["total"] == 0


def test_what_came_from_outside_cannot_move_the_cursor(cli: CommandLine, book: Ledger) -> None:
    spoil(cli, book)

    shown = cli.run("status").out

    assert "org_" in shown
    assert "SILENT" in shown
    assert [one for one in shown if not one.isprintable() and one != "\n"] == []
    assert not any(line.startswith("FORGED") for line in shown.splitlines())


def promises(cli: CommandLine) -> tuple[str, str]:
    found = cli.run("doctor", "--json").json["findings"]
    return next((one["level"], one["message"]) for one in found if one["check"] == "promises")


def test_doctor_says_that_a_promise_is_broken(cli: CommandLine, book: Ledger) -> None:
    spoil(cli, book)

    assert promises(cli) == ("error", "enabled keys that nobody may use: 1 suspended")


def test_doctor_says_that_nobody_looks_any_more(cli: CommandLine, book: Ledger) -> None:
    with book.transaction() as tx:
        swap_state(tx, WatchState(), WatchState(looked_at=cli.clock.now()))
    fresh = promises(cli)
    cli.clock.advance(3600)

    assert fresh == ("ok", "no enabled key without an entitled subject")
    assert promises(cli) == ("warning", "nobody has looked for 60 minutes")


@pytest.mark.usefixtures("book")
def test_doctor_has_nothing_to_say_of_a_ledger_that_nobody_has_looked_at(cli: CommandLine) -> None:
    assert promises(cli) == ("ok", "no worker has looked yet")
