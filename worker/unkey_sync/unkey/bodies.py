"""Request bodies for keys, from values: always schema-valid, always the whole truth about a field. Pure.

Raises `Park` (see limits.py) for what Unkey would refuse or silently bend.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from unkey_sync.errors import Park
from unkey_sync.unkey import limits
from unkey_sync.unkey.wanted import KEEP, Credits, ImportedKey, Keep, KeyPatch, NewKey, Refill

if TYPE_CHECKING:
    from collections.abc import Callable

Body = dict[str, Any]
T = TypeVar("T")

_external_id = partial(limits.text, "externalId", pattern=limits.EXTERNAL_ID)
_name = partial(limits.text, "name")
_roles = partial(limits.role_names, "roles")
_slugs = partial(limits.slugs, "permissions")
_ratelimits = partial(limits.ratelimits, "ratelimits")
_expires = partial(limits.whole, "expires", least=0, most=limits.MAX_EXPIRES)
_byte_length = partial(limits.whole, "byteLength", least=16, most=255)


def new_key(key: NewKey, api_id: str) -> Body:
    """Body of keys.createKey."""
    own = {
        "apiId": limits.text("apiId", api_id, limits.OBJECT_ID),
        "prefix": _given(key.prefix, partial(limits.text, "prefix", pattern=limits.PREFIX)),
        "byteLength": _given(key.byte_length, _byte_length),
    }
    return _without_none(own) | _new_key_fields(key)


def imported_key(imported: ImportedKey) -> Body:
    """One entry of keys.migrateKeys. Prefix and length are the secret maker's business and are not sent."""
    if len(imported.hash) < 3:
        raise Park("hash must be the base64 of a SHA-256")
    return {"hash": imported.hash, **_new_key_fields(imported.key)}


def key_patch(key_id: str, patch: KeyPatch) -> Body:
    """Body of keys.updateKey."""
    fields = {
        "enabled": patch.enabled,
        "name": _given(patch.name, _name),
        "externalId": _given(patch.external_id, _external_id),
        "meta": _given(patch.meta, limits.key_meta),
        "roles": _given(patch.roles, _roles),
        "permissions": _given(patch.permissions, _slugs),
        "ratelimits": _given(patch.ratelimits, _ratelimits),
        "expires": _given(patch.expires, _expires),
        "credits": _given(patch.credits, _whole_credits),
    }
    return {"keyId": this_key(key_id), **{name: value for name, value in fields.items() if value is not KEEP}}


def this_key(key_id: str) -> str:
    return limits.text("keyId", key_id, limits.OBJECT_ID)


def _new_key_fields(key: NewKey) -> Body:
    fields = {
        "externalId": _external_id(key.external_id),
        "enabled": key.enabled,
        "name": _given(key.name, _name),
        "meta": limits.key_meta(key.meta) or None,
        "roles": _roles(key.roles) or None,
        "permissions": _slugs(key.permissions) or None,
        "ratelimits": _ratelimits(key.ratelimits) or None,
        "expires": _given(key.expires, _expires),
        "credits": _given(key.credits, _first_credits),
    }
    return _without_none(fields)


def _whole_credits(credits: Credits) -> Body:
    """For updates: a refill that is not named would be kept, so its absence is said aloud."""
    refill = _given(credits.refill, _refill)
    return {"remaining": limits.whole("credits.remaining", credits.remaining, 0), "refill": refill}


def _first_credits(credits: Credits) -> Body:
    return _without_none(_whole_credits(credits))


def _refill(refill: Refill) -> Body:
    body: Body = {
        "interval": refill.interval,
        "amount": limits.whole("credits.refill.amount", refill.amount, 1),
    }
    if refill.interval == "daily":
        return body
    if refill.day is None:
        raise Park("credits.refill.day is missing: a monthly refill needs one")
    return body | {"refillDay": limits.whole("credits.refill.day", refill.day, 1, 31)}


def _given(value: T | Keep | None, body: Callable[[T], object]) -> object:
    """`body` of a value; None and KEEP stay what they are."""
    return value if value is None or isinstance(value, Keep) else body(value)


def _without_none(fields: dict[str, object]) -> Body:
    return {name: value for name, value in fields.items() if value is not None}
