"""One shape for what Keycloak's three event extensions send: Phase Two's, aznamier's and vymalo's.

Source: the sources and documentation of the extensions. Knows what an event is called, not what it means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from unkey_sync_connectors.base import Unusable

if TYPE_CHECKING:
    from unkey_sync_connectors.payload import Fields
    from unkey_sync_connectors.timestamps import Instant

ADMIN = "admin"
ACCESS = "access"

_REPRESENTATION = "representation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event in one shape.

    `family`: `admin`, `access` or what else the extension says. `resource` and `operation` of an admin event,
    `operation` alone of an access event. `path`: the parts of `resourcePath`. `user`: whom an access event is
    about. `realms`: all names of the realm, by which an account may be configured.
    """

    id: str | None
    type: str
    family: str
    resource: str
    operation: str
    path: tuple[str, ...]
    realms: tuple[str, ...]
    user: str | None
    time: Instant
    failed: bool
    content: Any


def read_told(envelope: Fields) -> Told:
    """Raises Unusable."""
    kind = envelope.id_or_none("type") or ""
    family, dot, name = kind.partition(".")
    if not dot:
        family, name = _family_of(envelope, kind), kind
    resource = envelope.id_or_none("resourceType") or envelope.id_or_none("resourceTypeAsString")
    operation = envelope.id_or_none("operationType")
    if family == ADMIN and not (resource and operation):
        resource, _, operation = name.rpartition("-")
    return Told(
        id=envelope.id_or_none("id") or envelope.id_or_none("uid"),
        type=kind or f"{ADMIN}.{resource}-{operation}",
        family=family,
        resource=resource or "",
        operation=(operation or "") if family == ADMIN else name,
        path=tuple((envelope.text_or_none("resourcePath") or "").strip("/").split("/")),
        realms=_realms(envelope),
        user=envelope.id_or_none("userId") or envelope.id_or_none("authDetails.userId"),
        time=envelope.instant("time"),
        failed=envelope.text_or_none("error") is not None,
        content=_content(envelope),
    )


def _family_of(envelope: Fields, kind: str) -> str:
    """Without a prefix: admin events name a resource, or are `RESOURCE-OPERATION`."""
    admin = envelope.id_or_none("resourceType") or envelope.id_or_none("operationType") or "-" in kind
    if not admin and not kind:
        raise Unusable("type is missing")
    return ADMIN if admin else ACCESS


def _realms(envelope: Fields) -> tuple[str, ...]:
    """Older versions give the realm's name as its id, newer ones a UUID and, maybe, the name beside it."""
    names = ("realmName", "realmId", "authDetails.realmName", "authDetails.realmId")
    return tuple(dict.fromkeys(name for path in names if (name := envelope.id_or_none(path))))


def _content(envelope: Fields) -> Any:
    """What the event is about: JSON in a text, JSON as it is, or nothing (a realm may leave it out)."""
    found = envelope.raw().get(_REPRESENTATION)
    if not isinstance(found, str):
        return found
    try:
        return orjson.loads(found) if found else None
    except orjson.JSONDecodeError:
        raise Unusable(f"{_REPRESENTATION} is not JSON") from None
