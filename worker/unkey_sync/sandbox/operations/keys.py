"""keys.createKey, getKey, deleteKey, whoami, rerollKey: every create makes another key;
nothing here is idempotent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from unkey_sync.sandbox.call import Call, Reply
from unkey_sync.sandbox.errors import Refused, bad_request, database_failure, not_found, precondition_failed
from unkey_sync.sandbox.ids import hash_secret, new_id, new_secret
from unkey_sync.sandbox.meta import as_stored, size_of
from unkey_sync.sandbox.operations.grants import permissions_for_key, roles_for_key
from unkey_sync.sandbox.operations.identities import upsert_identity
from unkey_sync.sandbox.operations.limits import copy_limits, delete_limits, write_limits
from unkey_sync.sandbox.rights import missing, on_api
from unkey_sync.sandbox.rows import Api, Key
from unkey_sync.sandbox.views import key_view

META_COLUMN_BYTES = 65_535
_DEFAULT_BYTES = 16
_MINUTE_MS = 60_000
NOT_THERE = "We could not find the requested key."
NOT_YOURS = "The specified key was not found."


def create_key(call: Call) -> Reply:
    body = call.body
    api = _api_for_creation(call)
    credits = new_credits(body.get("credits"))
    secret, start = new_secret(body.get("prefix"), body.get("byteLength", _DEFAULT_BYTES))
    key = Key(
        id=new_id("key"),
        workspace=call.workspace,
        api=api.id,
        keyspace=api.keyspace,
        hash=hash_secret(secret),
        start=start,
        created_at=call.now,
        name=body.get("name"),
        meta=stored_meta(body["meta"], "Failed to create key.") if "meta" in body else None,
        identity=upsert_identity(call, body["externalId"]).id if "externalId" in body else None,
        enabled=body.get("enabled", True),
        expires=body.get("expires"),
        plaintext=secret if body.get("recoverable") else None,
        **credits,
        permissions=permissions_for_key(call, body.get("permissions", [])),
        roles=roles_for_key(call, body.get("roles", [])),
    )
    call.tx.put(call.rw.keys, key)
    write_limits(call, key.id, body.get("ratelimits", []))
    return Reply({"keyId": key.id, "key": secret})


def get_key(call: Call) -> Reply:
    key = live_key(call, call.body["keyId"], NOT_THERE)
    require_on_key(call, key, "read_key")
    view = key_view(call.ro, key)
    if call.body.get("decrypt"):
        require_on_key(call, key, "decrypt_key")
        api = call.ro.apis.get(key.api)
        if api is None or not api.encrypted:
            raise precondition_failed("The API for this key does not support key encryption.")
        view.update({"plaintext": key.plaintext} if key.plaintext is not None else {})
    return Reply(view)


def whoami(call: Call) -> Reply:
    secret_hash = hash_secret(call.body["key"])
    if call.ro.root_keys.find("hash", secret_hash) is not None:
        raise not_found("key", NOT_YOURS)
    found = call.ro.keys.find("hash", secret_hash)
    key = live_key(call, found.id if found else "", NOT_THERE)
    alternatives = on_api(call.principal, "read_key", key.api, key.keyspace)
    if not call.principal.may(alternatives):
        raise not_found("key", f"{NOT_YOURS} {missing(alternatives)}")
    return Reply(key_view(call.ro, key))


def delete_key(call: Call) -> Reply:
    key = live_key(call, call.body["keyId"], NOT_THERE)
    require_on_key(call, key, "delete_key")
    if call.body.get("permanent"):
        delete_limits(call, key.id)
        call.tx.delete(call.rw.keys, key.id)
    else:
        call.tx.put(call.rw.keys, replace(current_key(call, key), deleted=True))
    call.node.keys.drop(key.hash)
    return Reply()


def reroll_key(call: Call) -> Reply:
    old = live_key(call, call.body["keyId"], NOT_YOURS)
    require_on_key(call, old, "create_key")
    if old.plaintext is not None:
        require_on_key(call, old, "encrypt_key")
    lead, _, rest = old.start.partition("_")
    secret, start = new_secret(lead if rest else None, _DEFAULT_BYTES)
    new = replace(
        old,
        id=new_id("key"),
        hash=hash_secret(secret),
        start=start,
        created_at=call.now,
        updated_at=None,
        plaintext=secret if old.plaintext is not None else None,
        migration=None,
    )
    call.tx.put(call.rw.keys, new)
    copy_limits(call, old.id, new.id)
    ends = _end_of_old_key(call.now, call.body["expiration"])
    call.tx.put(call.rw.keys, replace(current_key(call, old), expires=ends))
    return Reply({"keyId": new.id, "key": secret})


def live_key(call: Call, key_id: str, not_there: str) -> Key:
    """The key as the replica knows it.

    Raises `Refused` (404), with another text for another workspace's key.
    """
    key = call.ro.keys.get(key_id)
    api = call.ro.apis.get(key.api) if key is not None else None
    if key is None or key.deleted or api is None or api.deleted:
        raise not_found("key", not_there)
    if key.workspace != call.workspace:
        raise not_found("key", NOT_YOURS)
    return key


def current_key(call: Call, key: Key) -> Key:
    """The row as the primary has it; a key that is gone there stays as it was read."""
    return call.rw.keys.get(key.id) or key


def require_on_key(call: Call, key: Key, action: str) -> None:
    call.principal.require(on_api(call.principal, action, key.api, key.keyspace))


def stored_meta(meta: dict[str, Any], failure: str) -> dict[str, Any]:
    """Raises `Refused` (500) over 64 KiB: upstream's column is too small and nobody checks before."""
    stored: dict[str, Any] = as_stored(meta)
    if size_of(stored) > META_COLUMN_BYTES:
        raise database_failure(failure)
    return stored


def new_credits(credits: dict[str, Any] | None) -> dict[str, Any]:
    """The credit columns of a new key. A day given with a daily refill is dropped."""
    if credits is None:
        return {}
    refill = credits.get("refill")
    if refill is None:
        return {"remaining": credits["remaining"]}
    if credits["remaining"] is None:
        raise bad_request("`credits.remaining` must be provided when `credits.refill` is set.")
    monthly = refill["interval"] == "monthly"
    if monthly and "refillDay" not in refill:
        raise refill_day_missing()
    return {
        "remaining": credits["remaining"],
        "refill_amount": refill["amount"],
        "refill_day": refill["refillDay"] if monthly else None,
    }


def refill_day_missing() -> Refused:
    return bad_request("`refillDay` must be provided when the refill interval is `monthly`.")


def _api_for_creation(call: Call) -> Api:
    """A deleted API passes. Missing permission looks like a missing API."""
    unknown = not_found("api", "The specified API was not found.")
    api = call.ro.apis.get(call.body["apiId"])
    if api is None or api.workspace != call.workspace:
        raise unknown
    recoverable = call.body.get("recoverable", False)
    for action in ("create_key", "encrypt_key") if recoverable else ("create_key",):
        if not call.principal.may(on_api(call.principal, action, api.id, api.keyspace)):
            raise unknown
    if recoverable and not api.encrypted:
        raise precondition_failed("This API does not support key encryption.")
    return api


def _end_of_old_key(now: int, expiration: int) -> int:
    """`expiration` milliseconds from now, rounded up to a full minute; 0 is now."""
    if expiration == 0:
        return now
    return -(-(now + expiration) // _MINUTE_MS) * _MINUTE_MS
