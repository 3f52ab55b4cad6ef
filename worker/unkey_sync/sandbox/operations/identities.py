"""identities.*: create is no upsert, update replaces by field, delete leaves the keys alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from unkey_sync.sandbox.call import Call, Reply
from unkey_sync.sandbox.errors import Refused, bad_request, conflict, not_found
from unkey_sync.sandbox.ids import new_id
from unkey_sync.sandbox.meta import as_stored, too_large
from unkey_sync.sandbox.operations.limits import replace_limits, write_limits
from unkey_sync.sandbox.pages import DEFAULT_SIZE, matching, page_of
from unkey_sync.sandbox.rights import on_identities
from unkey_sync.sandbox.rows import Identity, Limit
from unkey_sync.sandbox.table import Duplicate
from unkey_sync.sandbox.views import identity_view, limit_views, without_empty

if TYPE_CHECKING:
    from collections.abc import Sequence


def create_identity(call: Call) -> Reply:
    call.principal.require(on_identities(call.principal, "create_identity"))
    meta = _bounded_meta(call.body.get("meta", {}))
    external_id = call.body["externalId"]
    identity = Identity(id=new_id("id"), workspace=call.workspace, external_id=external_id, meta=meta)
    try:
        call.tx.put(call.rw.identities, identity)
    except Duplicate:
        detail = f"Identity with externalId '{external_id}' already exists in this workspace."
        raise conflict("identity", detail) from None
    write_limits(call, identity.id, call.body.get("ratelimits", []))
    return Reply({"identityId": identity.id})


def get_identity(call: Call) -> Reply:
    identity = _live(call)
    call.principal.require(on_identities(call.principal, "read_identity", identity.id))
    return Reply(identity_view(call.ro, identity))


def list_identities(call: Call) -> Reply:
    rows = call.ro.identities.members("workspace", call.workspace, call.body.get("cursor", ""))
    found = matching(rows, call.body.get("search"), lambda row: (row.id, row.external_id))
    page, pagination = page_of(found, call.body.get("limit", DEFAULT_SIZE))
    for identity in page:
        call.principal.require(on_identities(call.principal, "read_identity", identity.id))
    return Reply([identity_view(call.ro, identity) for identity in page], pagination)


def update_identity(call: Call) -> Reply:
    call.principal.require(on_identities(call.principal, "update_identity"))
    wanted: list[dict[str, Any]] | None = call.body.get("ratelimits")
    _refuse_duplicate_names(wanted or [])
    meta = _bounded_meta(call.body.get("meta", {}))
    identity = _live(call)
    # Upstream reads the present limits from the replica, before it locks the row: late readers leave a union.
    present = list(call.ro.limits.members("owner", identity.id))
    current = _locked(call, identity)
    if "meta" in call.body:
        call.tx.put(call.rw.identities, replace(current, meta=meta))
    limits: Sequence[Limit] = (
        present if wanted is None else replace_limits(call, identity.id, present, wanted)
    )
    echo = without_empty(meta=meta, ratelimits=limit_views(limits))
    return Reply({"id": identity.id, "externalId": identity.external_id, **echo})


def delete_identity(call: Call) -> Reply:
    call.principal.require(on_identities(call.principal, "delete_identity"))
    current = _locked(call, _live(call))
    _purge(call, current)
    call.tx.put(call.rw.identities, replace(current, deleted=True))
    return Reply(bare=True)


def upsert_identity(call: Call, external_id: str) -> Identity:
    """The identity of that externalId, made if need be (createKey, updateKey, migrateKeys)."""
    known = call.rw.identities.find("external_id", (call.workspace, external_id))
    if known is not None:
        return known
    identity = Identity(id=new_id("id"), workspace=call.workspace, external_id=external_id)
    return call.tx.put(call.rw.identities, identity)


def _purge(call: Call, identity: Identity) -> None:
    """An older tombstone of the same externalId makes room for the new one."""
    for older in list(call.rw.identities.members("tombstones", (call.workspace, identity.external_id))):
        for limit in list(call.rw.limits.members("owner", older.id)):
            call.tx.delete(call.rw.limits, limit.id)
        call.tx.delete(call.rw.identities, older.id)


def _live(call: Call) -> Identity:
    """By id first, then by externalId: an id shadows an equal externalId."""
    wanted: str = call.body["identity"]
    by_id = call.ro.identities.get(wanted)
    if by_id is not None and by_id.workspace == call.workspace and not by_id.deleted:
        return by_id
    found = call.ro.identities.find("external_id", (call.workspace, wanted))
    if found is None:
        raise _unknown()
    return found


def _locked(call: Call, identity: Identity) -> Identity:
    """The row as the primary has it. Raises `Refused` (404) if it went while the replica did not know."""
    current = call.rw.identities.get(identity.id)
    if current is None or current.deleted:
        raise _unknown()
    return current


def _unknown() -> Refused:
    return not_found("identity", "This identity does not exist.")


def _bounded_meta(meta: dict[str, Any]) -> dict[str, Any]:
    stored: dict[str, Any] = as_stored(meta)
    problem = too_large(stored)
    if problem:
        raise bad_request(problem)
    return stored


def _refuse_duplicate_names(limits: Sequence[dict[str, Any]]) -> None:
    seen: set[str] = set()
    for limit in limits:
        if limit["name"] in seen:
            raise bad_request(f"Ratelimit with name '{limit['name']}' is already defined in the request")
        seen.add(limit["name"])
