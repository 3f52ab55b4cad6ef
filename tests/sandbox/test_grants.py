"""Roles and permissions: on their own, on keys, and who may change them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import Unkey

SERVICE_UNAVAILABLE = "unkey/application/service_unavailable"


def slugs(rows: list[dict[str, Any]]) -> set[str]:
    return {row["slug"] for row in rows}


def names(rows: list[dict[str, Any]]) -> set[str]:
    return {row["name"] for row in rows}


@pytest.mark.parametrize("other", ["ADMIN", "Ädmin", "\uff41dmin"])
def test_role_names_are_unique_without_case_and_accent(unkey: Unkey, other: str):
    unkey.ok("permissions.createRole", {"name": "Admin"})

    refusal = unkey.refused("permissions.createRole", {"name": other})

    assert (refusal.status, refusal.kind) == (409, "unkey/data/role_already_exists")


def test_a_blank_at_the_end_makes_another_role(unkey: Unkey):
    ids = {unkey.ok("permissions.createRole", {"name": name})["roleId"] for name in ("Admin", "Admin ")}

    assert len(ids) == 2


def test_roles_and_permissions_are_found_in_any_case_and_by_id(unkey: Unkey):
    role = unkey.ok("permissions.createRole", {"name": "Admin", "permissions": ["docs.read"]})["roleId"]

    by_name = unkey.ok("permissions.getRole", {"role": "aDMIN"})
    permission = unkey.ok("permissions.getPermission", {"permission": "DOCS.READ"})

    assert by_name == unkey.ok("permissions.getRole", {"role": role})
    assert permission == unkey.ok("permissions.getPermission", {"permission": permission["id"]})


def test_a_failed_role_leaves_no_permissions_behind(unkey: Unkey):
    unkey.ok("permissions.createRole", {"name": "Admin"})

    unkey.refused("permissions.createRole", {"name": "admin", "permissions": ["left.over"]})

    assert unkey.refused("permissions.getPermission", {"permission": "left.over"}).status == 404


def test_deleting_a_role_or_permission_detaches_it_everywhere(unkey: Unkey):
    unkey.ok("permissions.createRole", {"name": "Admin", "permissions": ["docs.read", "docs.write"]})
    key = unkey.key(roles=["Admin"], permissions=["own.slug", "docs.read"])

    unkey.ok("permissions.deletePermission", {"permission": "docs.READ"})
    without_permission = unkey.shown(key)
    unkey.ok("permissions.deleteRole", {"role": "admin"})

    assert set(without_permission["permissions"]) == {"own.slug", "docs.write"}
    assert unkey.shown(key)["permissions"] == ["own.slug"]
    assert "roles" not in unkey.shown(key)
    assert unkey.verified(key)["valid"] is True


def test_set_role_permissions_folds_case_and_repetition_and_acts_at_once(unkey: Unkey):
    role = unkey.ok("permissions.createRole", {"name": "T", "permissions": ["a.x"]})["roleId"]
    key = unkey.key(roles=["T"])

    answer = unkey.ok(
        "permissions.setRolePermissions", {"roleId": role, "permissions": ["b.x", "A.x", "b.x"]}
    )

    assert slugs(answer) == {"a.x", "b.x"}
    assert set(unkey.shown(key)["permissions"]) == {"a.x", "b.x"}


def test_add_and_remove_roles_are_idempotent_one_after_the_other(unkey: Unkey):
    for name in ("R1", "R2"):
        unkey.ok("permissions.createRole", {"name": name})
    key = unkey.key()["keyId"]

    added = [unkey.ok("keys.addRoles", {"keyId": key, "roles": ["R1", "R1", "R2"]}) for _ in range(2)]
    removed = [unkey.ok("keys.removeRoles", {"keyId": key, "roles": ["R1"]}) for _ in range(2)]

    assert [names(rows) for rows in added] == [{"R1", "R2"}] * 2
    assert [names(rows) for rows in removed] == [{"R2"}] * 2


@pytest.mark.parametrize("operation", ["addRoles", "removeRoles", "setRoles"])
@pytest.mark.parametrize("name", ["nobody", "r1"])
def test_roles_are_addressed_by_exact_name_only(unkey: Unkey, operation: str, name: str):
    unkey.ok("permissions.createRole", {"name": "R1"})
    key = unkey.key(roles=["R1"])

    refusal = unkey.refused(f"keys.{operation}", {"keyId": key["keyId"], "roles": ["R1", name]})

    assert refusal.detail == f"Role '{name}' was not found."
    assert unkey.shown(key)["roles"] == ["R1"]


def test_permission_operations_touch_direct_permissions_only(unkey: Unkey):
    unkey.ok("permissions.createRole", {"name": "R", "permissions": ["via.role"]})
    key = unkey.key(roles=["R"])["keyId"]

    added = unkey.ok("keys.addPermissions", {"keyId": key, "permissions": ["own.a", "own.a", "own.b"]})
    removed = unkey.ok("keys.removePermissions", {"keyId": key, "permissions": ["own.a", "via.role"]})
    emptied = unkey.ok("keys.setPermissions", {"keyId": key, "permissions": []})

    assert slugs(added) == {"own.a", "own.b"}
    assert slugs(removed) == {"own.b"}
    assert emptied == []
    assert unkey.ok("keys.getKey", {"keyId": key})["permissions"] == ["via.role"]


@pytest.mark.parametrize("operation", ["addPermissions", "setPermissions"])
def test_another_spelling_of_a_slug_breaks_the_statement(unkey: Unkey, operation: str):
    key = unkey.key(permissions=["docs.read"])

    refusal = unkey.refused(f"keys.{operation}", {"keyId": key["keyId"], "permissions": ["Docs.read"]})

    assert (refusal.kind, refusal.detail) == (SERVICE_UNAVAILABLE, "Failed to insert permissions.")


def test_removing_an_unknown_permission_is_a_404(unkey: Unkey):
    refusal = unkey.refused(
        "keys.removePermissions", {"keyId": unkey.key()["keyId"], "permissions": ["never.x"]}
    )

    assert refusal.detail == "Permission 'never.x' was not found."


@pytest.mark.parametrize("operation", ["addPermissions", "setPermissions"])
def test_making_a_permission_on_the_way_needs_the_right_to(unkey: Unkey, operation: str):
    key = unkey.key(permissions=["known.x"])["keyId"]

    fresh = unkey.refused(f"keys.{operation}", {"keyId": key, "permissions": ["fresh.x"]}, "rbac_no_create")
    known = unkey.ok(f"keys.{operation}", {"keyId": key, "permissions": ["known.x"]}, "rbac_no_create")

    assert fresh.status == 403
    assert slugs(known) == {"known.x"}


@pytest.mark.parametrize("noun", ["Role", "Permission"])
def test_lists_walk_search_and_refuse_strangers(unkey: Unkey, noun: str):
    for number in range(5):
        body = {"name": f"N{number}", "description": f"about {number}"}
        unkey.ok(f"permissions.create{noun}", body if noun == "Role" else {**body, "slug": f"s.{number}"})

    first = unkey.whole(f"permissions.list{noun}s", {"limit": 3})
    rest = unkey.whole(f"permissions.list{noun}s", {"limit": 3, "cursor": first["pagination"]["cursor"]})

    assert names(first["data"]) | names(rest["data"]) == {f"N{number}" for number in range(5)}
    assert rest["pagination"] == {"hasMore": False}
    assert len(unkey.ok(f"permissions.list{noun}s", {"search": "ABOUT 3"})) == 1
    assert unkey.refused(f"permissions.list{noun}s", {}, "none").status == 403
    assert unkey.ok(f"permissions.list{noun}s", {}, "other_ws") == []
