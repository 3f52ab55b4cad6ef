"""A provisioning run as Entra ID does it, with the departures from the RFC that it is known for.

Source: Microsoft's guide to building a SCIM endpoint for Entra ID, and its list of known issues.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.scim.idp import ENTERPRISE, GROUP, USER, IdentityProvider

AD_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


@pytest.fixture
def user(idp: IdentityProvider) -> str:
    body = {
        "schemas": [USER, ENTERPRISE],
        "externalId": "0a21f0f2",
        "userName": "test@example.com",
        "active": "True",
        "meta": {"resourceType": "User"},
        "roles": [],
    }
    made = idp.post("/Users", body)
    assert made.body is not None
    return str(made.body["id"])


def blocked(idp: IdentityProvider, user: str) -> str | None:
    found: str | None = idp.fact("user", user).body["blocked"]
    return found


@pytest.mark.parametrize("said", ["False", False])
def test_soft_delete_is_a_capitalised_replace_of_active(
    idp: IdentityProvider, user: str, said: object
) -> None:
    answer = idp.patch(f"Users/{user}", {"op": "Replace", "path": "active", "value": said})

    assert answer.status in (200, 204), answer.body
    assert blocked(idp, user) == "deprovisioned"


def test_hard_delete_ends_the_user_and_a_new_one_of_that_name_has_a_new_id(
    idp: IdentityProvider, user: str
) -> None:
    gone = idp.delete(f"Users/{user}")
    back = idp.user("test@example.com")

    assert gone.status == 204
    assert idp.get(f"Users/{user}").status == 404
    assert idp.fact("user", user).deleted
    assert back != user
    assert blocked(idp, back) is None


def test_one_patch_may_name_several_paths(idp: IdentityProvider, user: str) -> None:
    idp.patch(
        f"Users/{user}",
        {"op": "Add", "path": "name.givenName", "value": "Test"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Sales"},
        {"op": "Replace", "path": "displayName", "value": "T."},
    )

    shown = idp.show(f"Users/{user}")
    assert shown["name"]["givenName"] == "Test"
    assert shown[ENTERPRISE]["department"] == "Sales"
    assert shown["displayName"] == "T."


def test_replace_without_path_takes_dotted_keys(idp: IdentityProvider, user: str) -> None:
    value = {"displayName": "D", "name.familyName": "Fam", f"{ENTERPRISE}:employeeNumber": "701984"}

    answer = idp.patch(f"Users/{user}", {"op": "replace", "value": value})

    shown = idp.show(f"Users/{user}")
    assert answer.status in (200, 204), answer.body
    assert shown["name"]["familyName"] == "Fam"
    assert shown[ENTERPRISE]["employeeNumber"] == "701984"


def test_a_filter_path_makes_the_address_that_is_not_there(idp: IdentityProvider, user: str) -> None:
    path = 'emails[type eq "work"].value'

    idp.patch(f"Users/{user}", {"op": "Replace", "path": path, "value": "work@example.com"})

    assert idp.show(f"Users/{user}")["emails"] == [{"type": "work", "value": "work@example.com"}]
    assert idp.find('/Users?filter=emails[type%20eq%20"work"].value%20eq%20"work@example.com"') == [user]


def test_a_group_with_microsofts_own_schema_is_taken(idp: IdentityProvider) -> None:
    body = {"schemas": [GROUP, AD_GROUP], "externalId": "8aa1", "displayName": "Sales", "members": []}

    made = idp.post("/Groups", body)

    assert made.status == 201, made.body
    assert idp.find('/Groups?excludedAttributes=members&filter=externalId%20eq%20"8aa1"') == [
        (made.body or {})["id"]
    ]


def test_members_are_removed_by_value_instead_of_by_filter(idp: IdentityProvider, user: str) -> None:
    other = idp.user("other")
    group = idp.group("Sales", user, other)

    answer = idp.patch(f"Groups/{group}", {"op": "Remove", "path": "members", "value": [{"value": user}]})

    assert answer.status in (200, 204), answer.body
    assert idp.members(group) == {other}
    assert idp.fact("membership", f"{group}:{user}").deleted
    assert not idp.fact("membership", f"{group}:{other}").deleted


@pytest.mark.parametrize(
    "body",
    [
        {"schemas": [USER], "userName": "a", "urn:acme": {"x": 1}, "favouriteColour": "blue"},
        {"userName": "a"},
        {"schemas": [USER], "USERNAME": "a", "Active": True},
    ],
    ids=["unknown attributes", "no schemas", "names in another case"],
)
def test_a_sloppy_body_is_taken(idp: IdentityProvider, body: dict[str, Any]) -> None:
    made = idp.post("/Users", body)

    assert made.status == 201, made.body
    assert (made.body or {})["userName"] == "a"
