"""keys.updateKey and updateCredits: a patch by presence; absent keeps, null clears, lists replace."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from unkey_sync.sandbox.call import Call, Reply
from unkey_sync.sandbox.errors import bad_request
from unkey_sync.sandbox.operations.grants import permissions_for_key, roles_for_key
from unkey_sync.sandbox.operations.identities import upsert_identity
from unkey_sync.sandbox.operations.keys import (
    NOT_THERE,
    current_key,
    live_key,
    refill_day_missing,
    require_on_key,
    stored_meta,
)
from unkey_sync.sandbox.operations.limits import replace_limits
from unkey_sync.sandbox.views import credits_view

if TYPE_CHECKING:
    from unkey_sync.sandbox.rows import Key

_AS_THEY_ARE = ("name", "enabled", "expires")
_NO_REFILL: dict[str, int | None] = {"refill_amount": None, "refill_day": None}


def update_key(call: Call) -> Reply:
    key = live_key(call, call.body["keyId"], NOT_THERE)
    require_on_key(call, key, "update_key")
    patch: dict[str, Any] = {name: call.body[name] for name in _AS_THEY_ARE if name in call.body}
    if "credits" in call.body:
        patch.update(credits_patch(call.body["credits"]))
        call.world.balances.drop(key.id)
    patch.update(_identity_patch(call), **_meta_patch(call), **_grants_patch(call))
    if "ratelimits" in call.body:
        present = list(call.rw.limits.members("owner", key.id))
        replace_limits(call, key.id, present, call.body["ratelimits"])
    call.tx.put(call.rw.keys, replace(current_key(call, key), updated_at=call.now, **patch))
    call.node.keys.drop(key.hash)
    return Reply()


def update_credits(call: Call) -> Reply:
    key = live_key(call, call.body["keyId"], NOT_THERE)
    require_on_key(call, key, "update_key")
    current = current_key(call, key)
    if call.body["operation"] == "set":
        updated = replace(current, **_set_patch(call.body))
    else:
        updated = replace(current, remaining=_moved(current, call.body))
    call.tx.put(call.rw.keys, updated)
    call.world.balances.drop(key.id)
    call.node.keys.drop(key.hash)
    return Reply(credits_view(updated))


def credits_patch(credits: dict[str, Any] | None) -> dict[str, int | None]:
    """`remaining` alone keeps the refill, except null, which clears it; `refill` alone keeps the balance."""
    if credits is None:
        return {"remaining": None, **_NO_REFILL}
    patch: dict[str, int | None] = {}
    if "remaining" in credits:
        patch["remaining"] = credits["remaining"]
        if credits["remaining"] is None:
            patch.update(_NO_REFILL)
    if "refill" in credits:
        patch.update(_refill_patch(credits["refill"]))
    return patch


def _refill_patch(refill: dict[str, Any] | None) -> dict[str, int | None]:
    if refill is None:
        return _NO_REFILL
    if refill["interval"] == "monthly":
        if "refillDay" not in refill:
            raise refill_day_missing()
        return {"refill_amount": refill["amount"], "refill_day": refill["refillDay"]}
    if "refillDay" in refill:
        raise bad_request("`refillDay` must not be provided when the refill interval is `daily`.")
    return {"refill_amount": refill["amount"], "refill_day": None}


def _identity_patch(call: Call) -> dict[str, Any]:
    if "externalId" not in call.body:
        return {}
    external_id = call.body["externalId"]
    return {"identity": None if external_id is None else upsert_identity(call, external_id).id}


def _meta_patch(call: Call) -> dict[str, Any]:
    if "meta" not in call.body:
        return {}
    meta = call.body["meta"]
    return {"meta": None if meta is None else stored_meta(meta, "Failed to update key.")}


def _grants_patch(call: Call) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    if "permissions" in call.body:
        slugs = call.body["permissions"]
        patch["permissions"] = permissions_for_key(call, slugs, "Auto-created permission: ")
    if "roles" in call.body:
        patch["roles"] = roles_for_key(call, call.body["roles"])
    return patch


def _set_patch(body: dict[str, Any]) -> dict[str, Any]:
    """Without a value the key becomes unlimited and keeps its refill; an explicit null clears that, too."""
    value = body.get("value")
    cleared = _NO_REFILL if "value" in body and value is None else {}
    return {"remaining": value, **cleared}


def _moved(key: Key, body: dict[str, Any]) -> int:
    value = body.get("value")
    if value is None:
        raise bad_request("When specifying an increment or decrement operation, a value must be provided.")
    if key.remaining is None:
        raise bad_request("You cannot increment or decrement a key with unlimited credits.")
    if body["operation"] == "increment":
        return key.remaining + int(value)
    return max(0, key.remaining - int(value))
