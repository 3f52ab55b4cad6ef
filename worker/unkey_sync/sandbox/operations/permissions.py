"""permissions.*Permission*: slugs are unique without regard to case;
deletion is hard and detaches at once.
"""

from __future__ import annotations

from unkey_sync.sandbox.call import Call, Reply
from unkey_sync.sandbox.collation import fold
from unkey_sync.sandbox.errors import conflict, not_found
from unkey_sync.sandbox.ids import new_id
from unkey_sync.sandbox.pages import DEFAULT_SIZE, matching, page_of
from unkey_sync.sandbox.rights import on_rbac
from unkey_sync.sandbox.rows import Permission
from unkey_sync.sandbox.table import Duplicate
from unkey_sync.sandbox.views import permission_view


def create_permission(call: Call) -> Reply:
    call.principal.require(on_rbac("create_permission"))
    permission = Permission(
        id=new_id("perm"),
        workspace=call.workspace,
        name=call.body["name"],
        slug=call.body["slug"],
        description=call.body.get("description", ""),
    )
    try:
        call.tx.put(call.rw.permissions, permission)
    except Duplicate:
        detail = f"A permission with slug '{permission.slug}' already exists in this workspace"
        raise conflict("permission", detail) from None
    return Reply({"permissionId": permission.id})


def get_permission(call: Call) -> Reply:
    call.principal.require(on_rbac("read_permission"))
    return Reply(permission_view(_by_id_or_slug(call)))


def delete_permission(call: Call) -> Reply:
    call.principal.require(on_rbac("delete_permission"))
    call.tx.delete(call.rw.permissions, _by_id_or_slug(call).id)
    return Reply()


def list_permissions(call: Call) -> Reply:
    call.principal.require(on_rbac("read_permission"))
    rows = call.ro.permissions.members("workspace", call.workspace, call.body.get("cursor", ""))
    found = matching(rows, call.body.get("search"), lambda row: (row.id, row.name, row.slug, row.description))
    page, pagination = page_of(found, call.body.get("limit", DEFAULT_SIZE))
    return Reply([permission_view(permission) for permission in page], pagination)


def _by_id_or_slug(call: Call) -> Permission:
    wanted = call.body["permission"]
    by_id = call.ro.permissions.get(wanted)
    permission = by_id if by_id is not None and by_id.workspace == call.workspace else None
    permission = permission or call.ro.permissions.find("slug", (call.workspace, fold(wanted)))
    if permission is None:
        raise not_found("permission", "The requested permission does not exist.")
    return permission
