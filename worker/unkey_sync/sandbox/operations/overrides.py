"""ratelimit.*Override: set is an upsert by identifier, but what was deleted once never comes back to life."""

from __future__ import annotations

from dataclasses import replace

from unkey_sync.sandbox.call import Call, Reply
from unkey_sync.sandbox.ids import new_id
from unkey_sync.sandbox.operations.namespaces import forget, known_namespace, unknown_override
from unkey_sync.sandbox.pages import page_of
from unkey_sync.sandbox.rights import on_namespace
from unkey_sync.sandbox.rows import Override
from unkey_sync.sandbox.views import override_view

_DEFAULT_PAGE = 50


def set_override(call: Call) -> Reply:
    namespace = known_namespace(call, call.body["namespace"]).namespace
    call.principal.require(on_namespace("set_override", namespace.id))
    identifier = call.body["identifier"]
    known = call.rw.overrides.find("identifier", (namespace.id, identifier))
    override = known or Override(
        id=new_id("rlor"), namespace=namespace.id, identifier=identifier, limit=0, duration=0
    )
    call.tx.put(
        call.rw.overrides, replace(override, limit=call.body["limit"], duration=call.body["duration"])
    )
    forget(call, namespace)
    return Reply({"overrideId": override.id})


def get_override(call: Call) -> Reply:
    loaded = known_namespace(call, call.body["namespace"])
    override = loaded.match(call.body["identifier"])
    if override is None or not call.principal.may(on_namespace("read_override", loaded.namespace.id)):
        raise unknown_override()
    return Reply(override_view(override))


def list_overrides(call: Call) -> Reply:
    namespace = known_namespace(call, call.body["namespace"]).namespace
    call.principal.require(on_namespace("read_override", namespace.id))
    rows = call.ro.overrides.members("namespace", namespace.id, call.body.get("cursor", ""))
    page, pagination = page_of(rows, call.body.get("limit", _DEFAULT_PAGE))
    return Reply([override_view(override) for override in page], pagination)


def delete_override(call: Call) -> Reply:
    loaded = known_namespace(call, call.body["namespace"])
    call.principal.require(on_namespace("delete_override", loaded.namespace.id))
    override = loaded.exact(call.body["identifier"])
    if override is None:
        raise unknown_override()
    current = call.rw.overrides.get(override.id) or override
    call.tx.put(call.rw.overrides, replace(current, deleted=True))
    forget(call, loaded.namespace)
    return Reply()
