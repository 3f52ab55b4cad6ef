"""keys.migrateKeys: keys that bring their own hash, so that repeating is harmless:
the only such way in Unkey.
"""

from __future__ import annotations

from typing import Any

from unkey_sync.sandbox.call import Call, Reply
from unkey_sync.sandbox.collation import fold
from unkey_sync.sandbox.errors import not_found, unexpected
from unkey_sync.sandbox.ids import new_id
from unkey_sync.sandbox.meta import as_stored, size_of
from unkey_sync.sandbox.operations.apis import live_api
from unkey_sync.sandbox.operations.grants import exact, unique
from unkey_sync.sandbox.operations.identities import upsert_identity
from unkey_sync.sandbox.operations.keys import META_COLUMN_BYTES, new_credits
from unkey_sync.sandbox.operations.limits import write_limits
from unkey_sync.sandbox.rights import on_api
from unkey_sync.sandbox.rows import Api, Key, Migration, Permission, Role
from unkey_sync.sandbox.table import Duplicate

_MOST_KEYS = 10_000  # a guess: 3,000 pass and 20,000 fail upstream


def migrate_keys(call: Call) -> Reply:
    api_id, wanted = call.body["apiId"], call.body["keys"]
    call.principal.require(on_api(call.principal, "create_key", api_id))
    api = live_api(call, api_id)
    migration = call.ro.migrations.get(call.body["migrationId"])
    if migration is None or migration.workspace != call.workspace:
        raise not_found("migration", "The requested Migration does not exist or has been deleted.")
    _refuse_what_breaks(wanted)
    taken = [key["hash"] for key in wanted if call.rw.keys.find("hash", key["hash"]) is not None]
    fresh = [key for key in wanted if key["hash"] not in set(taken)]
    try:
        made = [_insert(call, api, migration, key) for key in fresh]
    except Duplicate:
        raise unexpected("") from None
    migrated = [{"hash": key.hash, "keyId": key.id} for key in made]
    return Reply({"migrated": migrated, "failed": unique(taken) or None})


def _refuse_what_breaks(wanted: list[dict[str, Any]]) -> None:
    """Input that upstream does not expect: null credits crash the handler, the rest fails in the database."""
    if any("credits" in key and key["credits"]["remaining"] is None for key in wanted):
        raise unexpected("An unexpected error occurred while processing your request.", always_json=True)
    if len(wanted) > _MOST_KEYS or any(size_of(key.get("meta", {})) > META_COLUMN_BYTES for key in wanted):
        raise unexpected("")


def _insert(call: Call, api: Api, migration: Migration, wanted: dict[str, Any]) -> Key:
    key = Key(
        id=new_id("key"),
        workspace=call.workspace,
        api=api.id,
        keyspace=api.keyspace,
        hash=wanted["hash"],
        start="",
        created_at=call.now,
        name=wanted.get("name"),
        meta=as_stored(wanted["meta"]) if "meta" in wanted else None,
        identity=upsert_identity(call, wanted["externalId"]).id if "externalId" in wanted else None,
        enabled=wanted.get("enabled", True),
        expires=wanted.get("expires"),
        **new_credits(wanted.get("credits")),
        roles=tuple(_role(call, name) for name in unique(wanted.get("roles", []))),
        permissions=tuple(_permission(call, slug) for slug in unique(wanted.get("permissions", []))),
        migration=migration.id,
    )
    call.tx.put(call.rw.keys, key)
    write_limits(call, key.id, wanted.get("ratelimits", []))
    return key


def _role(call: Call, name: str) -> str:
    """By exact name, made if missing. Raises `Duplicate` for another spelling of an existing one."""
    known = call.rw.roles.find("name", (call.workspace, fold(name)))
    if known is not None and known.name == name:
        return known.id
    return call.tx.put(call.rw.roles, Role(id=new_id("role"), workspace=call.workspace, name=name)).id


def _permission(call: Call, slug: str) -> str:
    known = exact(call.rw, call.workspace, slug)
    if known is not None:
        return known.id
    made = Permission(id=new_id("perm"), workspace=call.workspace, name=slug, slug=slug)
    return call.tx.put(call.rw.permissions, made).id
