"""strategy = "migrate": the secret is ours and written down first, so that handing it in may be repeated at will."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import sqlalchemy as sa
from unkey_sync.configfile import parse_document
from unkey_sync.handover.reveal import Wanted, reveal
from unkey_sync.ledger.tables import metadata
from unkey_sync.model import AT_ONCE, Rotation, Slot
from unkey_sync.policy import read_policy
from unkey_sync.seal import Sealer

from tests import makers
from tests.house import API_ID, House
from tests.properties.fleet import claim, take

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

POLICY = b"""
[subjects]
owner = "organization"
[[plans]]
name = "free"
default = true
key.credits = { remaining = 100, refill = { interval = "monthly", amount = 100, day = 1 } }
[[plans]]
name = "pro"
rank = 10
match = [{ source = "stripe", lookup_key = "pro_monthly" }]
[[keys]]
slot = "default"
prefix = "acme"
strategy = "migrate"
"""
SEALER = Sealer([b"k" * 32])


@pytest.fixture
def house(ledger: Ledger) -> House:
    return House(ledger, read_policy(parse_document(POLICY, "test.toml")))


def listed(house: House) -> list[dict[str, Any]]:
    return list(house.call("apis.listKeys", {"apiId": API_ID, "externalId": "org_1"})["data"])


def secret(house: House) -> str:
    with house.ledger.transaction() as tx:
        return reveal(tx, SEALER, Wanted("org_1"), house.clock.now()).key.reveal()


def verdict(house: House, key: str) -> str:
    body = {"key": key, "credits": {"cost": 0}}
    return str(house.call("keys.verifyKey", body)["data"]["code"])


def test_a_sign_up_gets_one_usable_key_with_a_secret_of_ours(house: House) -> None:
    house.accept(makers.organization())

    house.settle()

    key = secret(house)
    assert key.startswith("acme_")
    assert len(key) == len("acme_") + 33
    assert verdict(house, key) == "VALID"
    assert [one["enabled"] for one in listed(house)] == [True]
    assert listed(house)[0]["credits"]["remaining"] == 100
    assert "keys.createKey" not in house.transport.calls


def test_the_secret_is_written_down_before_anything_is_handed_in(house: House) -> None:
    drafts: list[int] = []

    def look(operation: str) -> None:
        if operation == "keys.migrateKeys":
            with house.ledger.transaction() as tx:
                drafts.append(len(tx.identities.load(["org_1"])["org_1"].observed.drafts))

    house.transport.before = look
    house.accept(makers.organization())
    house.settle()

    with house.ledger.transaction() as tx:
        left = tx.identities.load(["org_1"])["org_1"].observed.drafts
    assert drafts == [1]
    assert left == ()


@pytest.mark.parametrize("lost", ["keys.migrateKeys", "keys.updateKey", "keys.whoami"])
def test_a_lost_answer_loses_no_secret_and_makes_no_second_key(house: House, lost: str) -> None:
    gone: list[str] = []

    def lose_first(operation: str) -> None:
        # whoami is asked only after an import whose answer was lost
        wanted = {lost, "keys.migrateKeys"} if lost == "keys.whoami" else {lost}
        if operation in wanted and operation not in gone:
            gone.append(operation)
            raise httpx.ReadError("the answer is lost")

    house.transport.after = lose_first
    house.accept(makers.organization())
    house.settle()
    house.clock.advance(700)
    house.settle()

    assert lost in gone
    assert verdict(house, secret(house)) == "VALID"
    assert [one["enabled"] for one in listed(house)] == [True]
    assert listed(house)[0]["credits"]["remaining"] == 100


def test_a_worker_that_dies_after_the_import_finds_its_key_again(house: House) -> None:
    died: list[str] = []

    def die_once(operation: str) -> None:
        if operation == "keys.migrateKeys" and not died:
            died.append(operation)
            raise SystemExit

    house.transport.after = die_once
    house.accept(makers.organization())
    house.committer.commit(take(house, claim(house)))  # the secret is written down in a turn of its own
    house.work_and_die()
    house.clock.advance(61)
    house.settle()
    house.clock.advance(700)
    house.settle()

    assert died
    assert len(listed(house)) == 1
    assert verdict(house, secret(house)) == "VALID"


def test_a_plan_that_changes_while_the_answer_is_lost_is_the_one_that_counts(house: House) -> None:
    lost: list[str] = []

    def lose_first(operation: str) -> None:
        if operation == "keys.migrateKeys" and not lost:
            lost.append(operation)
            raise httpx.ReadError("the answer is lost")

    house.transport.after = lose_first
    house.accept(makers.organization())
    house.work()
    house.accept(makers.customer(metadata={"org_id": "org_1"}), makers.subscription())
    house.settle()

    assert lost
    assert "credits" not in listed(house)[0]
    assert verdict(house, secret(house)) == "VALID"


def test_a_rotation_makes_another_secret(house: House) -> None:
    house.accept(makers.organization())
    house.settle()
    old = secret(house)
    with house.ledger.transaction() as tx:
        tx.keys.turn("org_1", None, Rotation(Slot("default"), 2, AT_ONCE))
        tx.subjects.mark_due({"org_1": 0})
    house.settle()
    new = secret(house)

    assert old != new
    assert (verdict(house, old), verdict(house, new)) == ("DISABLED", "VALID")


def test_a_removal_leaves_no_usable_key_even_if_the_import_was_under_way(house: House) -> None:
    house.accept(makers.organization())
    house.work()
    house.accept(makers.deleted(makers.organization()))

    house.settle()

    everything = house.call("apis.listKeys", {"apiId": API_ID})["data"]
    assert house.identity("org_1") is None
    assert [key for key in everything if key["enabled"]] == []


def test_a_secret_whose_key_was_removed_meanwhile_is_replaced_by_another(house: House) -> None:
    def lose_and_remove(operation: str) -> None:
        if operation == "keys.migrateKeys":
            house.transport.after = lambda _: None
            house.call("keys.deleteKey", {"keyId": listed(house)[0]["keyId"]})  # soft: its hash stays taken
            raise httpx.ReadError("the answer is lost")

    house.transport.after = lose_and_remove
    house.accept(makers.organization())
    house.settle()

    assert verdict(house, secret(house)) == "VALID"
    assert len(listed(house)) == 1


def everything_stored(house: House) -> str:
    with house.ledger.engine.connect() as connection:
        rows = [row for table in metadata.sorted_tables for row in connection.execute(sa.select(table))]
    return repr([[bytes(cell) if isinstance(cell, memoryview) else cell for cell in row] for row in rows])


def test_the_secret_stands_nowhere_in_clear_at_any_time(house: House) -> None:
    seen: list[tuple[str, str]] = []

    def look(operation: str) -> None:
        with house.ledger.transaction() as tx:
            row = tx.identities.load(["org_1"]).get("org_1")
            waiting = tx.keys.handovers_of("org_1")
        sealed = [(one.sealed, one.handover_id) for one in row.observed.drafts] if row else []
        sealed += [(one.sealed, one.id) for one in waiting if one.sealed is not None]
        seen.extend((SEALER.open(*one).decode(), everything_stored(house) + repr(row)) for one in sealed)

    house.transport.before = look
    house.transport.after = look
    house.accept(makers.organization())
    house.settle()

    assert len({key for key, _ in seen}) == 1
    assert len(seen) >= 3
    assert not any(key in text or key.removeprefix("acme_") in text for key, text in seen)
    assert all("org_1" in text for _, text in seen)


def test_without_a_migration_id_the_subject_is_parked_with_the_remedy(ledger: Ledger) -> None:
    house = House(ledger, read_policy(parse_document(POLICY, "test.toml")), migration_id="")
    house.accept(makers.organization())

    house.work()

    with house.ledger.transaction() as tx:
        row = tx.subjects.get("org_1")
    assert row is not None
    assert "unkey.migration_id" in row["parked_reason"]
