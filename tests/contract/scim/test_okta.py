"""A provisioning run as Okta does it: lookup, create, PUT or PATCH, deactivate, reactivate, group push.

Source: Okta's SCIM 2.0 protocol reference and its provisioning test suite.
"""

from __future__ import annotations

from typing import Any

from tests.contract.scim.idp import USER, IdentityProvider


def bjensen(**changes: Any) -> dict[str, Any]:
    return {
        "schemas": [USER],
        "userName": "bjensen@example.com",
        "name": {"givenName": "Barbara", "familyName": "Jensen"},
        "emails": [{"primary": True, "value": "bjensen@example.com", "type": "work"}],
        "displayName": "Barbara Jensen",
        "locale": "en-US",
        "externalId": "00u1",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
        **changes,
    }


def blocked(idp: IdentityProvider, user: str) -> str | None:
    found: str | None = idp.fact("user", user).body["blocked"]
    return found


def test_a_user_is_looked_up_created_and_found_again(idp: IdentityProvider) -> None:
    lookup = '/Users?filter=userName%20eq%20"BJensen@example.com"&startIndex=1&count=100'

    before = idp.show(lookup)
    made = idp.post("/Users", bjensen())

    assert before["totalResults"] == 0
    assert made.status == 201
    assert made.body is not None
    assert made.headers["Location"].endswith(f"/scim/v2/Users/{made.body['id']}")
    assert "password" not in made.body
    assert idp.find(lookup) == [made.body["id"]]
    assert idp.said() == [("user.updated", made.body["id"])]


def test_a_second_user_of_the_same_name_is_a_conflict(idp: IdentityProvider) -> None:
    idp.post("/Users", bjensen())

    again = idp.post("/Users", bjensen(userName="BJENSEN@example.com"))

    assert again.status == 409
    assert again.body is not None
    assert again.body["scimType"] == "uniqueness"
    assert len(idp.said()) == 1


def test_put_with_active_false_suspends_and_active_true_revives_the_same_id(idp: IdentityProvider) -> None:
    user = idp.user("bjensen@example.com", active=True)

    idp.put(f"Users/{user}", bjensen(active=False))
    suspended = blocked(idp, user)
    idp.put(f"Users/{user}", bjensen())

    assert suspended == "deprovisioned"
    assert blocked(idp, user) is None


def test_patch_without_path_deactivates(idp: IdentityProvider) -> None:
    user = idp.user("bjensen@example.com")

    answer = idp.patch(f"Users/{user}", {"op": "replace", "value": {"active": False}})

    assert answer.status in (200, 204)
    assert idp.show(f"Users/{user}")["active"] is False
    assert blocked(idp, user) == "deprovisioned"


def test_put_clears_what_it_does_not_name(idp: IdentityProvider) -> None:
    user = idp.user("bjensen@example.com", title="Tour Guide")

    idp.put(f"Users/{user}", bjensen())

    assert "title" not in idp.show(f"Users/{user}")


def test_group_push_adds_renames_and_removes(idp: IdentityProvider) -> None:
    ann, bob = idp.user("ann"), idp.user("bob")
    group = idp.group("Engineering", ann)

    idp.patch(f"Groups/{group}", {"op": "add", "path": "members", "value": [{"value": bob, "display": "b"}]})
    both = idp.members(group)
    idp.patch(f"Groups/{group}", {"op": "replace", "value": {"id": group, "displayName": "Platform"}})
    idp.patch(f"Groups/{group}", {"op": "remove", "path": f'members[value eq "{ann}"]'})

    assert both == {ann, bob}
    assert idp.members(group) == {bob}
    assert idp.fact("membership", f"{group}:{bob}").body["role"] == "Platform"
    assert idp.fact("membership", f"{group}:{ann}").deleted


def test_a_repeated_patch_says_nothing_new(idp: IdentityProvider) -> None:
    user = idp.user("bjensen@example.com")
    off = {"op": "replace", "value": {"active": False}}
    idp.patch(f"Users/{user}", off)
    version = idp.show(f"Users/{user}")["meta"]["version"]

    idp.patch(f"Users/{user}", off)

    assert idp.show(f"Users/{user}")["meta"]["version"] == version
    assert len(idp.said()) == 2
