"""`unkey-sync keys`: what is printed, what is refused, and that a secret is printed once."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from unkey_sync.configfile import parse_document
from unkey_sync.ledger import migrate
from unkey_sync.ledger.store import Ledger
from unkey_sync.policy import read_policy

from tests import makers
from tests.house import House
from tests.unit.cli.running import CommandLine, Ran

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLICY = """
[subjects]
owner = "organization"
[[keys]]
slot = "default"
[[keys]]
slot = "personal"
per = "member"
"""


class Desk:
    """A command line beside a service that shares its ledger."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'ledger.sqlite3'}"
        self.ledger = Ledger(url)
        migrate.upgrade(self.ledger.engine)
        self.house = House(self.ledger, read_policy(parse_document(POLICY.encode(), "test.toml")))
        self.cli = CommandLine(folder, clock=self.house.clock)
        self.cli.environment["UNKEY_SYNC_DATABASE_URL"] = url
        self.cli.environment["UNKEY_SYNC_SECRET_KEY"] = base64.b64encode(b"k" * 32).decode()
        self.cli.write_config(POLICY)

    def keys(self, *arguments: str) -> Ran:
        return self.cli.run("keys", *arguments)

    def listed(self, slot: str = "default") -> list[tuple[int, str]]:
        rows = self.keys("list", "org_1", "--json").json
        return [(row["generation"], row["state"]) for row in rows if row["slot"] == slot]

    def settle(self) -> None:
        self.house.clock.advance(1)
        self.house.settle()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    desk.house.accept(makers.organization(), makers.membership(version=2 * makers.SECOND))
    desk.house.settle()
    yield desk
    desk.ledger.close()


def test_a_key_is_printed_once_and_then_said_to_be_fetched(desk: Desk) -> None:
    first = desk.keys("reveal", "org_1", "--slot", "default", "--json")
    second = desk.keys("reveal", "org_1", "--slot", "default", "--json")

    assert first.code == 0
    assert {"subject", "slot", "key_id", "key"} == set(first.json)
    assert desk.house.call("keys.verifyKey", {"key": first.json["key"]})["data"]["code"] == "VALID"
    assert (second.code, second.out) == (1, "")
    assert "already fetched" in second.err


def test_without_json_the_key_alone_is_on_stdout(desk: Desk) -> None:
    ran = desk.keys("reveal", "org_1", "--slot", "personal", "--member", "user_1")

    assert ran.code == 0
    assert len(ran.out.split()) == 1
    assert ran.out.strip() not in ran.err


def test_several_waiting_keys_are_not_guessed_between(desk: Desk) -> None:
    ran = desk.keys("reveal", "org_1")

    assert ran.code == 1
    assert "default, personal/user_1" in ran.err


def test_the_wrong_secret_key_is_said_and_loses_nothing(desk: Desk) -> None:
    right = desk.cli.environment["UNKEY_SYNC_SECRET_KEY"]
    desk.cli.environment["UNKEY_SYNC_SECRET_KEY"] = base64.b64encode(b"x" * 32).decode()
    wrong = desk.keys("reveal", "org_1", "--slot", "default")
    desk.cli.environment["UNKEY_SYNC_SECRET_KEY"] = right

    assert wrong.code == 1
    assert "UNKEY_SYNC_SECRET_KEY" in wrong.err
    assert desk.keys("reveal", "org_1", "--slot", "default").code == 0


def test_a_list_shows_state_and_receipt_and_never_a_secret(desk: Desk) -> None:
    plain = desk.keys("reveal", "org_1", "--slot", "default", "--json").json["key"]

    rows = desk.keys("list", "--json")
    table = desk.keys("list", "org_1")

    receipts = {row["slot"]: row["handover"]["state"] for row in rows.json}
    assert receipts == {"default": "delivered", "personal": "ready"}
    assert "vault delivered" in table.out
    assert plain not in rows.out + table.out


def test_a_rotation_keeps_the_old_key_for_the_overlap(desk: Desk) -> None:
    ran = desk.keys("rotate", "org_1", "--slot", "default", "--overlap", "1h")
    desk.settle()
    during = desk.listed()
    desk.house.clock.advance(3_600)

    assert ran.code == 0
    assert during == [(1, "enabled"), (2, "enabled")]
    assert desk.listed() == [(1, "ended"), (2, "enabled")]


def test_after_a_leak_the_old_key_ends_now(desk: Desk) -> None:
    desk.keys("rotate", "org_1", "--slot", "default", "--now")
    desk.settle()

    assert desk.listed() == [(1, "ended"), (2, "enabled")]


def test_a_second_rotation_before_the_first_is_done_changes_nothing(desk: Desk) -> None:
    desk.keys("rotate", "org_1", "--slot", "default")
    again = desk.keys("rotate", "org_1", "--slot", "default")
    desk.settle()

    assert "already" in again.err
    assert desk.listed() == [(1, "enabled"), (2, "enabled")]


def test_a_revoked_slot_is_empty_until_it_is_rotated(desk: Desk) -> None:
    desk.keys("revoke", "org_1", "--slot", "default")
    desk.settle()
    revoked = desk.listed()
    desk.keys("rotate", "org_1", "--slot", "default")
    desk.settle()

    assert revoked == [(1, "ended")]
    assert desk.listed() == [(1, "ended"), (2, "enabled")]


def test_an_older_key_is_revoked_by_its_id_and_the_newest_stays(desk: Desk) -> None:
    desk.keys("rotate", "org_1", "--slot", "default")
    desk.settle()
    old = next(row for row in desk.keys("list", "org_1", "--json").json if row["slot"] == "default")

    ran = desk.keys("revoke", "org_1", "--key-id", old["key_id"])
    desk.settle()

    assert "keeps its newest key" in ran.err
    assert desk.listed() == [(1, "ended"), (2, "enabled")]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("rotate", "nobody"), 1, "no subject"),
        (("rotate", "org_1"), 1, "several slots"),
        (("rotate", "org_1", "--slot", "typo"), 1, "no such slot"),
        (("rotate", "org_1", "--now", "--overlap", "1h"), 2, "exclude"),
        (("rotate", "org_1", "--overlap", "soon"), 2, "duration"),
        (("revoke", "org_1", "--key-id", "key_strange"), 1, "no slot"),
        (("revoke", "org_1", "--key-id", "k", "--slot", "default"), 2, "exclude"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    desk: Desk, arguments: tuple[str, ...], code: int, message: str
) -> None:
    ran = desk.keys(*arguments)

    assert (ran.code, ran.out) == (code, "")
    assert message in ran.err
