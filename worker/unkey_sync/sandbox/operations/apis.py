"""apis.*: not idempotent to create, impossible to list;
a deleted one keeps taking keys that nobody will find.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync.sandbox.call import Call, Reply
from unkey_sync.sandbox.errors import Refused, not_found, precondition_failed, protected
from unkey_sync.sandbox.ids import new_id
from unkey_sync.sandbox.pages import DEFAULT_SIZE, page_of
from unkey_sync.sandbox.rights import on_api
from unkey_sync.sandbox.rows import Api, Key
from unkey_sync.sandbox.views import listed_key_view

if TYPE_CHECKING:
    from collections.abc import Iterable


def create_api(call: Call) -> Reply:
    call.principal.require(["api.*.create_api"])
    api = Api(id=new_id("api"), workspace=call.workspace, name=call.body["name"], keyspace=new_id("ks"))
    call.tx.put(call.rw.apis, api)
    return Reply({"apiId": api.id})


def get_api(call: Call) -> Reply:
    api_id = call.body["apiId"]
    call.principal.require(on_api(call.principal, "read_api", api_id))
    api = live_api(call, api_id)
    return Reply({"id": api.id, "name": api.name})


def delete_api(call: Call) -> Reply:
    api = call.ro.apis.get(call.body["apiId"])
    if api is None or api.deleted or api.workspace != call.workspace:
        raise unknown_api()
    call.principal.require(on_api(call.principal, "delete_api", api.id))
    if api.protected:
        raise protected("This API has delete protection enabled. Disable it before attempting to delete.")
    call.tx.put(call.rw.apis, replace(api, deleted=True))
    call.node.apis.drop(api.id)
    return Reply()


def list_keys(call: Call) -> Reply:
    api = live_api(call, call.body["apiId"])
    for action in ("read_key", "read_api"):
        if not call.principal.may(on_api(call.principal, action, api.id, api.keyspace)):
            raise unknown_api()
    decrypt = call.body.get("decrypt", False)
    if decrypt:
        call.principal.require(on_api(call.principal, "decrypt_key", api.id, api.keyspace))
        if not api.encrypted:
            raise precondition_failed("The requested API does not support key encryption.")
    page, pagination = page_of(_keys(call, api), call.body.get("limit", DEFAULT_SIZE))
    views = [listed_key_view(call.ro, key) for key in page]
    if decrypt:
        for key, view in zip(page, views, strict=True):
            view.update({"plaintext": key.plaintext} if key.plaintext is not None else {})
    return Reply(views, pagination)


def live_api(call: Call, api_id: str) -> Api:
    """The API as this node remembers it. Raises `Refused` (404)."""
    found = call.node.apis.get(api_id, call.now, lambda: call.ro.apis.get(api_id))
    if found is None or found.deleted or found.workspace != call.workspace:
        raise unknown_api()
    return found


def unknown_api() -> Refused:
    return not_found("api", "The requested API does not exist or has been deleted.")


def _keys(call: Call, api: Api) -> Iterable[Key]:
    cursor = call.body.get("cursor", "")
    if "externalId" not in call.body:
        return call.ro.keys.members("keyspace", api.keyspace, cursor)
    identity = call.ro.identities.find("external_id", (call.workspace, call.body["externalId"]))
    if identity is None:
        return ()
    linked = call.ro.keys.members("identity", identity.id, cursor)
    return (key for key in linked if key.keyspace == api.keyspace)
