"""permissions.*Role*: names are unique without regard to case and accent;
deletion is hard and detaches at once.
"""

from __future__ import annotations

from dataclasses import replace

from unkey_sync.sandbox.call import Call, Reply
from unkey_sync.sandbox.collation import fold
from unkey_sync.sandbox.errors import Refused, conflict, not_found
from unkey_sync.sandbox.ids import new_id
from unkey_sync.sandbox.operations.grants import permissions_for_role
from unkey_sync.sandbox.pages import DEFAULT_SIZE, matching, page_of
from unkey_sync.sandbox.rights import on_rbac
from unkey_sync.sandbox.rows import Role
from unkey_sync.sandbox.table import Duplicate
from unkey_sync.sandbox.views import permission_views, role_view


def create_role(call: Call) -> Reply:
    call.principal.require(on_rbac("create_role"))
    slugs = call.body.get("permissions", [])
    if slugs:
        call.principal.require(on_rbac("add_permission_to_role"))
    role = Role(
        id=new_id("role"),
        workspace=call.workspace,
        name=call.body["name"],
        description=call.body.get("description", ""),
        permissions=permissions_for_role(call, slugs),
    )
    try:
        call.tx.put(call.rw.roles, role)
    except Duplicate:
        detail = f"A role with name '{role.name}' already exists in this workspace"
        raise conflict("role", detail) from None
    return Reply({"roleId": role.id})


def get_role(call: Call) -> Reply:
    call.principal.require(on_rbac("read_role"))
    return Reply(role_view(call.ro, _by_id_or_name(call)))


def delete_role(call: Call) -> Reply:
    call.principal.require(on_rbac("delete_role"))
    call.tx.delete(call.rw.roles, _by_id_or_name(call).id)
    return Reply()


def list_roles(call: Call) -> Reply:
    call.principal.require(on_rbac("read_role"))
    rows = call.ro.roles.members("workspace", call.workspace, call.body.get("cursor", ""))
    found = matching(rows, call.body.get("search"), lambda row: (row.id, row.name, row.description))
    page, pagination = page_of(found, call.body.get("limit", DEFAULT_SIZE))
    return Reply([role_view(call.ro, role) for role in page], pagination)


def set_role_permissions(call: Call) -> Reply:
    # Not observed: whether a missing role or a missing right is told first.
    call.principal.require(on_rbac("add_permission_to_role"))
    call.principal.require(on_rbac("remove_permission_from_role"))
    role = call.rw.roles.get(call.body["roleId"])
    if role is None or role.workspace != call.workspace:
        raise _unknown_role()
    ids = permissions_for_role(call, call.body["permissions"])
    call.tx.put(call.rw.roles, replace(role, permissions=ids))
    return Reply(permission_views(call.rw, ids))


def _by_id_or_name(call: Call) -> Role:
    wanted = call.body["role"]
    by_id = call.ro.roles.get(wanted)
    role = by_id if by_id is not None and by_id.workspace == call.workspace else None
    role = role or call.ro.roles.find("name", (call.workspace, fold(wanted)))
    if role is None:
        raise _unknown_role()
    return role


def _unknown_role() -> Refused:
    return not_found("role", "The requested role does not exist.")
