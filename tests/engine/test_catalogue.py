"""Roles as code: created, kept equal within the hour, in Unkey's own idea of equal names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from unkey_sync.configfile import parse_document
from unkey_sync.engine.catalogue import RoleKeeper, misspelt
from unkey_sync.errors import Retry
from unkey_sync.policy import read_policy
from unkey_sync.unkey.budget import Priority

from tests.house import House

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger

POLICY = b"""
[roles]
reader = ["docs.read"]
writer = ["docs.read", "docs.write"]
nothing = []
"""


@pytest.fixture
def house(ledger: Ledger) -> House:
    return House(ledger, read_policy(parse_document(POLICY, "test.toml")))


@pytest.fixture
def keeper(house: House) -> RoleKeeper:
    return RoleKeeper(house.client.at(Priority.SWEEP), house.policy.roles, house.clock)


def role(house: House, name: str) -> dict[str, Any]:
    return dict(house.call("permissions.getRole", {"role": name})["data"])


def slugs(house: House, name: str) -> set[str]:
    return {one["slug"] for one in role(house, name).get("permissions", [])}


def test_roles_are_made_with_their_permissions_and_then_left_alone(house: House, keeper: RoleKeeper) -> None:
    made = keeper.run_once()
    house.clock.advance(3_601)
    house.transport.calls.clear()

    assert made == 3
    assert keeper.run_once() == 0
    assert house.transport.mutations == []
    assert [slugs(house, name) for name in ("reader", "writer", "nothing")] == [
        {"docs.read"},
        {"docs.read", "docs.write"},
        set(),
    ]


def test_what_others_change_is_put_right_within_the_hour(house: House, keeper: RoleKeeper) -> None:
    keeper.run_once()
    body = {"roleId": role(house, "reader")["id"], "permissions": ["docs.write", "all"]}
    house.call("permissions.setRolePermissions", body)

    early = keeper.run_once()
    house.clock.advance(3_601)
    late = keeper.run_once()

    assert (early, late) == (0, 1)
    assert slugs(house, "reader") == {"docs.read"}


def test_a_role_that_others_deleted_comes_back(house: House, keeper: RoleKeeper) -> None:
    keeper.run_once()
    house.call("permissions.deleteRole", {"role": "writer"})
    house.clock.advance(3_601)

    assert keeper.run_once() == 1
    assert slugs(house, "writer") == {"docs.read", "docs.write"}


def test_a_permission_that_exists_in_other_letters_is_the_same_one(house: House, keeper: RoleKeeper) -> None:
    house.call("permissions.createPermission", {"slug": "DOCS.read", "name": "reading"})
    keeper.run_once()
    house.clock.advance(3_601)
    house.transport.calls.clear()

    assert keeper.run_once() == 0
    assert house.transport.mutations == []
    assert slugs(house, "reader") == {"DOCS.read"}


def test_a_role_that_exists_in_other_letters_is_named(house: House) -> None:
    house.call("permissions.createRole", {"name": "Reader"})
    RoleKeeper(house.client.at(Priority.SWEEP), house.policy.roles, house.clock).run_once()

    assert misspelt(house.client.at(Priority.SWEEP), house.policy.roles) == ["reader"]


def test_a_failure_is_tried_again_at_once(house: House, keeper: RoleKeeper) -> None:
    def away(_operation: str) -> None:
        raise httpx.ConnectError("away")

    house.transport.before = away
    with pytest.raises(Retry):
        keeper.run_once()
    house.transport.before = lambda _: None

    assert keeper.run_once() == 3
