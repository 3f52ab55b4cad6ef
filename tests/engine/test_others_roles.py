"""scope = "all": keys that others made for the identity hold the managed roles, and lose nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unkey_sync.clock import DAY
from unkey_sync.configfile import parse_document
from unkey_sync.engine.catalogue import keep_roles
from unkey_sync.engine.lookout import Lookout
from unkey_sync.policy import read_policy

from tests import makers
from tests.house import API_ID, House

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

POLICY = """
[subjects]
owner = "user"
[[plans]]
name = "free"
default = true
key.roles = ["reader"]
[[plans]]
name = "pro"
rank = 10
match = [{ source = "stripe", lookup_key = "pro" }]
key.roles = ["reader", "exporter"]
[roles]
reader = ["read"]
exporter = ["export"]
admin = ["all"]
[role_mapping]
"org:admin" = ["admin"]
[key_roles]
scope = "SCOPE"
"""


def furnished(ledger: Ledger, scope: str) -> House:
    house = House(ledger, read_policy(parse_document(POLICY.replace("SCOPE", scope).encode(), "test.toml")))
    keep_roles(house.client, house.policy.roles)
    house.call("permissions.createRole", {"name": "theirs"})
    return house


@pytest.fixture
def house(ledger: Ledger) -> House:
    return furnished(ledger, "all")


def make_key(house: House, *roles: str) -> str:
    body = {"apiId": API_ID, "externalId": "user_1", "roles": list(roles)}
    return str(house.call("keys.createKey", body)["data"]["keyId"])


def roles(house: House, key_id: str) -> set[str]:
    return set(house.call("keys.getKey", {"keyId": key_id})["data"].get("roles", []))


def subscribe(house: House, version: int, status: str = "active") -> None:
    house.accept(
        makers.customer(metadata={"user_id": "user_1"}),
        makers.subscription(lookup_key="pro", status=status, version=version * makers.SECOND),
    )
    house.settle()


def test_a_key_that_is_made_later_is_found_at_the_next_look(house: House) -> None:
    house.accept(makers.user())
    house.settle()
    key = make_key(house, "theirs", "admin")
    house.clock.advance(8 * 86_400)

    Lookout(house.ledger, house.clock, 7 * DAY).run_once()
    house.settle()

    assert roles(house, key) == {"theirs", "reader"}


def test_keys_that_were_there_before_get_their_roles_with_the_first_turn(house: House) -> None:
    key = make_key(house, "theirs", "admin")

    house.accept(makers.user())
    house.settle()
    at_first = roles(house, key)
    subscribe(house, 2)
    on_pro = roles(house, key)
    subscribe(house, 3, status="ended")

    assert at_first == {"theirs", "reader"}
    assert on_pro == {"theirs", "reader", "exporter"}
    assert roles(house, key) == {"theirs", "reader"}


def test_a_membership_moves_their_roles(house: House) -> None:
    key = make_key(house)
    admin = makers.membership(version=2 * makers.SECOND)
    admin.body["role"] = "org:admin"
    house.accept(makers.user(), admin)
    house.settle()
    as_admin = roles(house, key)

    house.accept(makers.deleted(admin, terminal=False))
    house.settle()

    assert as_admin == {"reader", "admin"}
    assert roles(house, key) == {"reader"}


def test_what_is_raised_is_raised_before_anything_is_lowered(house: House) -> None:
    key = make_key(house, "admin")
    house.accept(makers.user())

    house.settle()

    changed = [call for call in house.transport.calls if call.endswith("Roles")]
    assert changed == ["keys.addRoles", "keys.removeRoles"]
    assert roles(house, key) == {"reader"}


def test_a_key_that_is_gone_meanwhile_holds_nothing_up(house: House) -> None:
    key = make_key(house)
    house.accept(makers.user())
    house.settle()
    house.call("keys.deleteKey", {"keyId": key, "permanent": True})
    house.clock.advance(60)

    subscribe(house, 2)

    assert house.is_done()
    assert [name for name in house.transport.calls if name == "keys.addRoles"][-1:] == ["keys.addRoles"]


def test_managed_scope_leaves_their_keys_alone(ledger: Ledger) -> None:
    house = furnished(ledger, "managed")
    key = make_key(house, "admin")
    house.accept(makers.user())

    subscribe(house, 2)

    assert roles(house, key) == {"admin"}
    assert not [call for call in house.transport.calls if call.endswith("Roles")]
