"""Key slots: exactly one usable key per slot and generation, whatever is lost, killed or changed on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from unkey_sync.configfile import parse_document
from unkey_sync.engine.catalogue import keep_roles
from unkey_sync.model import Rotation, Slot
from unkey_sync.policy import read_policy
from unkey_sync.seal import Sealer

from tests import makers
from tests.house import API_ID, House

if TYPE_CHECKING:
    from unkey_sync.ledger.key_rows import HandoverRow
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
key.roles = ["pro"]
[roles]
pro = ["export.read", "export.write"]
admin = ["admin.all"]
[role_mapping]
"org:admin" = ["admin"]
[[keys]]
slot = "default"
prefix = "acme"
[[keys]]
slot = "personal"
per = "member"
deliver = "none"
"""


@pytest.fixture
def house(ledger: Ledger) -> House:
    house = House(ledger, read_policy(parse_document(POLICY, "test.toml")))
    keep_roles(house.client, house.policy.roles)
    return house


def listed(house: House, subject: str = "org_1") -> list[dict[str, Any]]:
    body = {"apiId": API_ID, "externalId": subject}
    return list(house.call("apis.listKeys", body)["data"])


def usable(house: House) -> list[dict[str, Any]]:
    return [key for key in listed(house) if key["enabled"]]


def secrets(house: House) -> list[HandoverRow]:
    with house.ledger.transaction() as tx:
        return tx.keys.handovers_of("org_1", state="ready")


def plaintext(row: HandoverRow) -> str:
    assert row.sealed is not None
    return Sealer([b"k" * 32]).open(row.sealed, row.id).decode()


def subscribe(house: House, **changes: Any) -> None:
    house.accept(makers.customer(metadata={"org_id": "org_1"}), makers.subscription(**changes))
    house.settle()


def test_a_sign_up_gets_one_usable_key_and_its_secret_waits_sealed(house: House) -> None:
    house.accept(makers.organization())
    house.settle()

    keys = usable(house)
    waiting = secrets(house)
    assert len(keys) == len(waiting) == 1
    assert keys[0]["credits"]["remaining"] == 100
    assert plaintext(waiting[0]).startswith("acme_")
    assert house.call("keys.verifyKey", {"key": plaintext(waiting[0])})["data"]["code"] == "VALID"


def test_test_and_live_keys_are_two_slots(ledger: Ledger) -> None:
    slots = b"".join(
        b'[[keys]]\nslot = "%s"\nprefix = "acme_%s"\n' % (one, one) for one in (b"live", b"test")
    )
    house = House(ledger, read_policy(parse_document(slots, "test.toml")))
    house.accept(makers.organization())
    house.settle()

    waiting = {row.slot: plaintext(row) for row in secrets(house)}
    assert len(usable(house)) == 2
    assert {slot: key.rpartition("_")[0] for slot, key in waiting.items()} == {
        "live": "acme_live",
        "test": "acme_test",
    }
    assert verdicts(house, *waiting.values()) == ["VALID", "VALID"]


def test_a_lost_answer_leaves_one_usable_key_and_its_trace_is_swept(house: House) -> None:
    lost: list[str] = []

    def lose_first(operation: str) -> None:
        if operation == "keys.createKey" and not lost:
            lost.append(operation)
            raise httpx.ReadError("the answer is lost")

    house.transport.after = lose_first
    house.accept(makers.organization())
    house.settle()
    with_trace = listed(house)
    house.clock.advance(700)
    house.settle()

    assert len(with_trace) == 2
    assert [key["enabled"] for key in with_trace].count(True) == 1
    assert len(listed(house)) == len(usable(house)) == len(secrets(house)) == 1


def lose(house: House, *operations: str) -> list[str]:
    """The first answer to each of these is lost."""
    lost: list[str] = []

    def once(operation: str) -> None:
        if operation in operations and operation not in lost:
            lost.append(operation)
            raise httpx.ReadError("the answer is lost")

    house.transport.after = once
    return lost


def test_a_trace_whose_removal_did_not_get_through_is_gone_in_the_end(house: House) -> None:
    lose(house, "keys.createKey")
    failed: list[str] = []

    def fail(operation: str) -> None:
        if operation == "keys.deleteKey":
            failed.append(operation)
            raise httpx.ReadError("lost on the way there")

    house.transport.before = fail
    house.accept(makers.organization())
    house.settle()
    house.clock.advance(700)
    house.work()
    house.transport.before = lambda _: None
    for _ in range(3):
        house.clock.advance(700)
        house.settle()

    assert failed
    assert len(listed(house)) == len(usable(house)) == 1


def test_a_listing_before_its_time_forgets_no_trace(house: House) -> None:
    lose(house, "keys.createKey")
    house.accept(makers.organization())
    house.settle()

    house.accept(makers.organization(blocked="banned", version=5 * makers.SECOND))  # lists at once
    house.settle()
    house.accept(makers.organization(version=9 * makers.SECOND))
    house.settle()
    house.clock.advance(1300)
    house.settle()

    assert len(listed(house)) == len(usable(house)) == 1


def test_a_worker_that_dies_after_a_creation_leaves_one_usable_key(house: House) -> None:
    died: list[str] = []

    def die_once(operation: str) -> None:
        if operation == "keys.createKey" and not died:
            died.append(operation)
            raise SystemExit  # no result ever reaches the ledger

    house.transport.after = die_once
    house.accept(makers.organization())
    house.work_and_die()
    house.clock.advance(61)
    house.settle()
    house.clock.advance(700)
    house.settle()

    assert died
    assert len(listed(house)) == len(usable(house)) == len(secrets(house)) == 1


def test_a_plan_changes_the_key_and_makes_no_other(house: House) -> None:
    house.accept(makers.organization())
    house.settle()
    before = listed(house)[0]["keyId"]

    subscribe(house)

    key = listed(house)[0]
    assert [key["keyId"]] == [before]
    assert "credits" not in key
    assert key["roles"] == ["pro"]
    assert sorted(key["permissions"]) == ["export.read", "export.write"]


def test_a_downgrade_puts_the_quota_back(house: House) -> None:
    house.accept(makers.organization())
    subscribe(house)

    subscribe(house, status="ended", version=9 * makers.SECOND, terminal=True)

    key = listed(house)[0]
    assert key["credits"]["remaining"] == 100
    assert key["credits"]["refill"] == {"interval": "monthly", "amount": 100, "refillDay": 1}
    assert "roles" not in key


def test_a_member_gets_a_key_with_the_roles_of_its_membership_and_loses_it(house: House) -> None:
    admin = makers.membership(version=2 * makers.SECOND)
    admin.body["role"] = "org:admin"
    house.accept(makers.organization(), admin)
    house.settle()
    granted = [key for key in usable(house) if key.get("roles") == ["admin"]]

    house.accept(makers.deleted(admin, terminal=False))
    house.settle()

    assert len(granted) == 1
    assert len(usable(house)) == 1
    assert len(listed(house)) == 2


def test_a_rotation_makes_a_new_key_and_ends_the_old_one_in_time(house: House) -> None:
    house.accept(makers.organization())
    house.settle()
    old = plaintext(secrets(house)[0])
    house.clock.advance(1)

    with house.ledger.transaction() as tx:
        until = house.clock.now() + 3600 * makers.SECOND
        tx.keys.turn("org_1", None, Rotation(Slot("default"), 2, until))
        tx.subjects.mark_due({"org_1": 0})
    house.settle()
    new = plaintext(secrets(house)[0])
    during = verdicts(house, old, new)
    house.clock.advance(3700)

    assert old != new
    assert during == ["VALID", "VALID"]
    assert verdicts(house, old, new) == ["EXPIRED", "VALID"]


def verdicts(house: House, *keys: str) -> list[str]:
    return [house.call("keys.verifyKey", {"key": key})["data"]["code"] for key in keys]


def test_a_deletion_that_meets_a_creation_leaves_no_usable_key(house: House) -> None:
    house.accept(makers.organization())
    house.work()
    house.accept(makers.deleted(makers.organization()))

    house.settle()

    assert house.identity("org_1") is None
    assert not usable(house)
    everything = house.call("apis.listKeys", {"apiId": API_ID})["data"]
    assert [key for key in everything if key["enabled"]] == []


def test_suspension_disables_the_key_and_access_gives_it_back(house: House) -> None:
    house.accept(makers.organization())
    house.settle()
    key = plaintext(secrets(house)[0])

    house.accept(makers.organization(blocked="banned", version=5 * makers.SECOND))
    house.settle()
    banned = verdicts(house, key)
    house.accept(makers.organization(version=9 * makers.SECOND))
    house.settle()

    assert banned == ["DISABLED"]
    assert verdicts(house, key) == ["VALID"]
    assert len(listed(house)) == 1
