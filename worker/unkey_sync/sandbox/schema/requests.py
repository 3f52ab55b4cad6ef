"""What each operation accepts, as declared by Unkey's OpenAPI document (v2). Data only."""

from __future__ import annotations

from types import MappingProxyType

from unkey_sync.sandbox.schema.shapes import (
    Check,
    Shape,
    choice,
    described,
    flag,
    free_object,
    listing,
    number,
    record,
    text,
)

_WORD = r"^[a-zA-Z0-9_]+$"
_SLUG = r"^[a-zA-Z0-9_:\-\.\*]+$"
_EXTERNAL_ID = r"^[a-zA-Z0-9_.-]+$"
_MAX_EXPIRES = 4_102_444_800_000
_MAX_INTEGER = 9_223_372_036_854_776_000

key_id = text(3, 255, _WORD)
api_id = text(8, 255, _WORD)
identity = text(1)
meta = free_object(100)
slug = text(1, 128, _SLUG)
role_name = text(1, 128)
page_size = number(1, 100)
secret = text(1, 512)
namespace = text(1, 512)
identifier = text(1, 512)

ratelimits = listing(
    record(
        {"name": text(3, 128), "limit": number(1), "duration": number(1000), "autoApply": flag()},
        required=("name", "limit", "duration", "autoApply"),
        open_=True,
    ),
    high=50,
)


def _refill(*, nullable: bool) -> Shape:
    fields = {
        "interval": choice("daily", "monthly"),
        "amount": number(1, _MAX_INTEGER),
        "refillDay": number(1, 31),
    }
    return record(fields, required=("interval", "amount"), nullable=nullable)


_remaining = number(0, _MAX_INTEGER, nullable=True)
credits_of_new_key = described(
    record({"remaining": _remaining, "refill": described(_refill(nullable=False))}, required=("remaining",))
)
credits_of_key = described(record({"remaining": _remaining, "refill": _refill(nullable=True)}, nullable=True))

_key_roles = listing(role_name, high=100)
_key_permissions = listing(slug, high=1000)

_migrated_key = record(
    {
        "hash": text(3),
        "name": text(1, 255),
        "externalId": text(1, 255),
        "meta": meta,
        "roles": _key_roles,
        "permissions": _key_permissions,
        "expires": number(0, _MAX_EXPIRES),
        "enabled": flag(),
        "credits": credits_of_new_key,
        "ratelimits": ratelimits,
    },
    required=("hash",),
)

_counted = record(
    {
        "namespace": namespace,
        "cost": number(0),
        "duration": number(1000, 2_592_000_000),
        "identifier": identifier,
        "limit": number(1),
    },
    required=("namespace", "identifier", "limit", "duration"),
)

_override = {"namespace": namespace, "identifier": identifier}

_SHAPES: dict[str, Shape] = {
    "apis.createApi": record({"name": text(3, 256)}, required=("name",)),
    "apis.deleteApi": record({"apiId": api_id}, required=("apiId",)),
    "apis.getApi": record({"apiId": api_id}, required=("apiId",)),
    "apis.listKeys": record(
        {
            "apiId": text(1),
            "limit": page_size,
            "cursor": text(),
            "externalId": text(1),
            "decrypt": flag(),
            "revalidateKeysCache": flag(),
        },
        required=("apiId",),
    ),
    "identities.createIdentity": record(
        {"externalId": text(1, 255, _EXTERNAL_ID), "meta": meta, "ratelimits": ratelimits},
        required=("externalId",),
        open_=True,
    ),
    "identities.deleteIdentity": record({"identity": identity}, required=("identity",)),
    "identities.getIdentity": record({"identity": identity}, required=("identity",)),
    "identities.listIdentities": record({"limit": page_size, "cursor": text(), "search": text(0, 256)}),
    "identities.updateIdentity": record(
        {"identity": identity, "meta": meta, "ratelimits": ratelimits}, required=("identity",)
    ),
    "keys.addPermissions": record(
        {"keyId": key_id, "permissions": listing(slug, 1, 1000)}, required=("keyId", "permissions")
    ),
    "keys.addRoles": record(
        {"keyId": key_id, "roles": listing(role_name, 1, 100)}, required=("keyId", "roles")
    ),
    "keys.createKey": record(
        {
            "apiId": text(3, 255, _WORD),
            "prefix": text(1, 16, _WORD),
            "name": text(1, 255),
            "byteLength": number(16, 255),
            "externalId": text(1, 255, _EXTERNAL_ID),
            "meta": meta,
            "roles": _key_roles,
            "permissions": _key_permissions,
            "expires": number(0, _MAX_EXPIRES),
            "credits": credits_of_new_key,
            "ratelimits": ratelimits,
            "enabled": flag(),
            "recoverable": flag(),
        },
        required=("apiId",),
    ),
    "keys.deleteKey": record({"keyId": key_id, "permanent": flag()}, required=("keyId",)),
    "keys.getKey": record({"keyId": key_id, "decrypt": flag()}, required=("keyId",)),
    "keys.migrateKeys": record(
        {"migrationId": text(3, 255), "apiId": text(3, 255), "keys": listing(_migrated_key, 1)},
        required=("migrationId", "apiId", "keys"),
    ),
    "keys.removePermissions": record(
        {"keyId": key_id, "permissions": listing(slug, 1, 1000)}, required=("keyId", "permissions")
    ),
    "keys.removeRoles": record(
        {"keyId": key_id, "roles": listing(role_name, 1, 100)}, required=("keyId", "roles")
    ),
    "keys.rerollKey": record(
        {"keyId": key_id, "expiration": number(0, _MAX_EXPIRES)}, required=("keyId", "expiration"), open_=True
    ),
    "keys.setPermissions": record(
        {"keyId": key_id, "permissions": listing(slug)}, required=("keyId", "permissions")
    ),
    "keys.setRoles": record({"keyId": key_id, "roles": _key_roles}, required=("keyId", "roles")),
    "keys.updateCredits": record(
        {
            "keyId": text(3),
            "value": number(0, _MAX_INTEGER, nullable=True),
            "operation": choice("set", "increment", "decrement"),
        },
        required=("keyId", "operation"),
    ),
    "keys.updateKey": record(
        {
            "keyId": key_id,
            "name": text(1, 255, nullable=True),
            "externalId": text(1, 255, _EXTERNAL_ID, nullable=True),
            "meta": free_object(100, nullable=True),
            "expires": number(0, _MAX_EXPIRES, nullable=True),
            "credits": credits_of_key,
            "ratelimits": ratelimits,
            "enabled": flag(),
            "roles": _key_roles,
            "permissions": _key_permissions,
        },
        required=("keyId",),
    ),
    "keys.verifyKey": record(
        {
            "key": secret,
            "tags": listing(text(1, 512), high=20),
            "permissions": text(1, 1000),
            "credits": record({"cost": number(0, 1_000_000_000_000)}, required=("cost",)),
            "ratelimits": listing(
                record(
                    {"name": text(3, 255), "cost": number(0), "limit": number(0), "duration": number(0)},
                    required=("name",),
                    open_=True,
                )
            ),
            "migrationId": text(0, 256),
        },
        required=("key",),
    ),
    "keys.whoami": record({"key": secret}, required=("key",)),
    "permissions.createPermission": record(
        {"name": text(1, 512), "slug": slug, "description": text(0, 512)}, required=("name", "slug")
    ),
    "permissions.createRole": record(
        {"name": role_name, "description": text(0, 512), "permissions": listing(slug)}, required=("name",)
    ),
    "permissions.deletePermission": record({"permission": slug}, required=("permission",)),
    "permissions.deleteRole": record({"role": role_name}, required=("role",)),
    "permissions.getPermission": record({"permission": slug}, required=("permission",)),
    "permissions.getRole": record({"role": role_name}, required=("role",)),
    "permissions.listPermissions": record(
        {"cursor": text(0, 1024), "limit": page_size, "search": text(0, 256)}
    ),
    "permissions.listRoles": record({"cursor": text(0, 1024), "limit": page_size, "search": text(0, 256)}),
    "permissions.setRolePermissions": record(
        {"roleId": described(text(3, 255, r"^[a-zA-Z0-9_-]+$")), "permissions": listing(slug)},
        required=("roleId", "permissions"),
    ),
    "ratelimit.deleteOverride": record(_override, required=("namespace", "identifier")),
    "ratelimit.getOverride": record(_override, required=("namespace", "identifier")),
    "ratelimit.limit": _counted,
    "ratelimit.listOverrides": record(
        {"namespace": namespace, "cursor": text(), "limit": page_size}, required=("namespace",)
    ),
    "ratelimit.multiLimit": listing(_counted, 1, 100),
    "ratelimit.setOverride": record(
        {**_override, "duration": number(1000), "limit": number(0)},
        required=("namespace", "identifier", "limit", "duration"),
    ),
}

CHECKS: MappingProxyType[str, Check] = MappingProxyType({name: shape("") for name, shape in _SHAPES.items()})
"""Operation name -> its compiled check."""
