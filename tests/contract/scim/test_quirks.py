"""Requests as identity providers really send them: each is taken, and means what they mean.

Sources: Microsoft's, Okta's, OneLogin's, JumpCloud's and Google's provisioning documentation. Runs as a whole are in
test_entra.py and test_okta.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.scim.idp import ENTERPRISE, GROUP, USER, IdentityProvider

MANAGER = f"{ENTERPRISE}:manager"
AZURE_ROLE = {"primary": "True", "type": "WindowsAzureActiveDirectoryRole", "value": "admin", "display": "A"}


def active(idp: IdentityProvider, user: str) -> bool:
    return bool(idp.show(f"Users/{user}")["active"])


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "Replace", "path": "Active", "value": "false"},
        {"op": "Replace", "path": "active", "value": False},
        {"op": "Add", "path": "active", "value": "False"},
        {"op": "Replace", "path": "active", "value": [{"$ref": None, "value": "False"}]},
        {"op": "replace", "value": {"active": "False"}},
        {"op": "replace", "value": {"id": "OWN", "active": False, "schemas": [USER]}},
        {"OP": "REPLACE", "Path": f"{USER}:active", "Value": "False"},
    ],
)
def test_a_deactivation_in_any_dress_takes_access_away(
    idp: IdentityProvider, operation: dict[str, Any]
) -> None:
    user = idp.user("ann", active="True")

    if isinstance(operation.get("value"), dict) and "id" in operation["value"]:
        operation = {**operation, "value": {**operation["value"], "id": user}}
    answer = idp.patch(f"Users/{user}", operation)

    assert answer.status == 204, answer.body
    assert not active(idp, user)
    assert idp.fact("user", user).body["blocked"] == "deprovisioned"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "Add", "path": MANAGER, "value": "BOSS"},
        {"op": "Replace", "path": MANAGER, "value": [{"$ref": "../Users/BOSS", "value": "BOSS"}]},
        {"op": "Add", "path": MANAGER, "value": {"value": "BOSS"}},
        {"op": "Add", "path": f"{MANAGER}.value", "value": "BOSS"},
        {"op": "replace", "value": {MANAGER: "BOSS"}},
        {"op": "replace", "value": {ENTERPRISE: {"manager": "BOSS"}}},
    ],
)
def test_entras_managers(idp: IdentityProvider, operation: dict[str, Any]) -> None:
    user = idp.user("ann")

    answer = idp.patch(f"Users/{user}", operation)

    assert answer.status == 204, answer.body
    assert idp.show(f"Users/{user}")[ENTERPRISE]["manager"]["value"] == "BOSS"


def test_a_manager_is_taken_away(idp: IdentityProvider) -> None:
    user = idp.user("ann", **{ENTERPRISE: {"manager": "BOSS", "department": "Sales"}})

    idp.patch(f"Users/{user}", {"op": "Remove", "path": MANAGER})

    assert idp.show(f"Users/{user}")[ENTERPRISE] == {"department": "Sales"}


@pytest.mark.parametrize(
    ("path", "value", "shown"),
    [
        ('roles[primary eq "True"].value', "admin", {"roles": [{"value": "admin", "primary": True}]}),
        ('phoneNumbers[type eq "mobile"].value', "+1", {"phoneNumbers": [{"value": "+1", "type": "mobile"}]}),
        (
            'addresses[type eq "work"].country',
            "Germany",
            {"addresses": [{"country": "Germany", "type": "work"}]},
        ),
        ("name.givenName", "Ann", {"name": {"givenName": "Ann"}}),
    ],
)
def test_entra_writes_to_entries_that_are_not_there(
    idp: IdentityProvider, path: str, value: str, shown: dict[str, Any]
) -> None:
    user = idp.user("ann")

    answer = idp.patch(f"Users/{user}", {"op": "Add", "path": path, "value": value})

    assert answer.status == 204, answer.body
    assert shown.items() <= idp.show(f"Users/{user}").items()


def test_entras_role_assignments(idp: IdentityProvider) -> None:
    user = idp.user("ann")

    answer = idp.patch(f"Users/{user}", {"op": "Add", "path": "roles", "value": [AZURE_ROLE]})

    assert answer.status == 204, answer.body
    assert idp.show(f"Users/{user}")["roles"][0]["primary"] is True


@pytest.mark.parametrize(
    "path", ["favouriteColour", "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User:tag"]
)
def test_an_unknown_attribute_changes_nothing(idp: IdentityProvider, path: str) -> None:
    user = idp.user("ann")
    said = idp.said()

    answer = idp.patch(f"Users/{user}", {"op": "Replace", "path": path, "value": "x"})

    assert answer.status == 204, answer.body
    assert idp.said() == said


@pytest.mark.parametrize(
    "path", ["members", "Members", f"{GROUP}:members", 'members[value eq "ANN"]', 'Members[Value Eq "ANN"]']
)
def test_members_are_removed_by_a_path_in_any_dress(idp: IdentityProvider, path: str) -> None:
    ann, bob = idp.user("ann"), idp.user("bob")
    group = idp.group("Sales", ann, bob)
    by_value = {"value": [{"$ref": None, "value": ann}]} if "[" not in path else {}

    answer = idp.patch(f"Groups/{group}", {"op": "Remove", "path": path.replace("ANN", ann), **by_value})

    assert answer.status == 204, answer.body
    assert idp.members(group) == {bob}
    assert idp.fact("membership", f"{group}:{ann}").deleted


def test_onelogin_sends_what_is_empty(idp: IdentityProvider) -> None:
    nothing = {
        "title": "",
        "nickName": None,
        "groups": None,
        "roles": [],
        "emails": [{"value": "", "type": "work", "primary": True}],
        "phoneNumbers": [{"value": "", "type": "work"}],
        "name": {"formatted": None},
        ENTERPRISE: {"manager": {"value": None}, "department": ""},
    }

    made = idp.post("/Users", {"userName": "ann", "active": True, **nothing})

    assert made.status == 201, made.body
    user = (made.body or {})["id"]
    assert active(idp, user)
    assert "emails" not in idp.show(f"Users/{user}")


def test_onelogin_adds_members_without_a_path(idp: IdentityProvider) -> None:
    ann = idp.user("ann")
    group = idp.group("Sales")

    answer = idp.patch(f"Groups/{group}", {"op": "add", "value": {"members": [{"value": ann}]}})

    assert answer.status == 204, answer.body
    assert idp.members(group) == {ann}


def test_jumpcloud_replaces_a_group_and_its_members_by_put(idp: IdentityProvider) -> None:
    ann, bob = idp.user("ann"), idp.user("bob")
    group = idp.group("Sales", ann)

    answer = idp.put(
        f"Groups/{group}",
        {"schemas": [GROUP], "id": group, "displayName": "Sales", "members": [{"value": bob}]},
    )

    assert answer.status == 200, answer.body
    assert idp.members(group) == {bob}
    assert idp.fact("membership", f"{group}:{ann}").deleted


def test_jumpcloud_deactivates_by_put_and_google_by_delete(idp: IdentityProvider) -> None:
    ann, bob = idp.user("ann"), idp.user("bob")

    idp.put(f"Users/{ann}", {"schemas": [USER], "userName": "ann", "active": False})
    gone = idp.delete(f"Users/{bob}")

    assert idp.fact("user", ann).body["blocked"] == "deprovisioned"
    assert gone.status == 204
    assert idp.fact("user", bob).deleted


@pytest.mark.parametrize(
    "content_type",
    [
        "application/scim+json",
        "application/json",
        "application/json; charset=utf-8",
        "Application/SCIM+JSON",
        "",
    ],
)
def test_either_media_type_is_read_and_one_is_answered(idp: IdentityProvider, content_type: str) -> None:
    made = idp.ask("POST", "/Users", {"userName": "ann"}, content_type=content_type)

    assert made.status == 201
    assert made.headers["Content-Type"] == "application/scim+json"


def test_a_client_does_not_choose_the_id(idp: IdentityProvider) -> None:
    user = idp.user("ann", id="mine", meta={"version": 'W/"7"', "resourceType": "Group"})

    answer = idp.put(f"Users/{user}", {"userName": "ann", "id": "mine", "title": "x"})

    assert user != "mine"
    assert (answer.body or {})["id"] == user
    assert (answer.body or {})["meta"]["resourceType"] == "User"


def test_the_same_requests_in_a_bulk(idp: IdentityProvider) -> None:
    ann = idp.user("ann")
    group = idp.group("Sales", ann)

    def patch(path: str, operation: dict[str, Any]) -> dict[str, Any]:
        return {"method": "PATCH", "path": path, "data": {"Operations": [operation]}}

    said = idp.bulk(
        patch(f"Users/{ann}", {"op": "Add", "path": MANAGER, "value": "BOSS"}),
        patch(f"/Groups/{group}", {"op": "Remove", "path": "members", "value": [{"value": ann}]}),
        patch(f"Users/{ann}", {"op": "remove", "path": "emails", "value": [{"value": "x"}] * 101}),
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": {"userName": "b", MANAGER: "x"}},
    )

    assert [one["status"] for one in (said.body or {})["Operations"]] == ["200", "200", "400", "201"]
    assert idp.show(f"Users/{ann}")[ENTERPRISE]["manager"]["value"] == "BOSS"
    assert idp.members(group) == set()
