"""How a SCIM resource rests in the ledger: sealed, with keyed hashes of the two values it is looked up by.

The key of the hashes is made once per ledger and rests sealed in it, so that secret keys can rotate.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import ValidationError
from scim2_models import Meta, Resource

from unkey_sync.errors import Park
from unkey_sync.ledger.scim_rows import USER, ResourceRow

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger
    from unkey_sync.seal import Sealer

_KEY_ROW = "scim_index_key"
_KEPT_ELSEWHERE = ("id", "meta", "members", "groups", "password")
"""Columns, tables, computed; and a password is none of our business."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Vault:
    """Seals and opens resources."""

    def __init__(self, sealer: Sealer, index_key: bytes) -> None:
        self._sealer = sealer
        self._index_key = index_key

    def seal(self, resource: Resource[Any], row: ResourceRow) -> bytes:
        said = resource.model_dump()
        content = {name: value for name, value in said.items() if name not in _KEPT_ELSEWHERE}
        if names := [_named(one) for one in said.get("members") or () if one.get("display")]:
            content["members"] = names
        return self._sealer.seal(orjson.dumps(content), _row_id(row))

    def open(self, row: ResourceRow, model: type[Resource[Any]]) -> Resource[Any]:
        """The resource; of a group's members only their display names. Raises Park when it cannot be opened."""
        content = self._sealer.open(row.sealed, _row_id(row))
        try:
            resource = model.model_validate(orjson.loads(content))
        except ValidationError:  # its text quotes names and addresses
            raise Park("a stored SCIM resource cannot be read by this version") from None
        resource.id = row.id
        resource.meta = Meta(
            resource_type=row.kind,
            created=_moment(row.created_at),
            last_modified=_moment(row.version),
            version=etag(row),
        )
        return resource

    def hash_name(self, source: str, kind: str, name: str) -> str:
        """Of a userName or a group's displayName, which are compared without case (RFC 7643, section 4)."""
        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower())
        return self._hash(source, kind, "name", folded)

    def hash_external(self, source: str, kind: str, external_id: str) -> str:
        """Of an externalId, which is compared exactly (RFC 7643, section 3.1)."""
        return self._hash(source, kind, "externalId", unicodedata.normalize("NFC", external_id))

    def hashes(self, source: str, kind: str, resource: Resource[Any]) -> tuple[str, str | None]:
        """The hashes of a resource's name and external id."""
        external = resource.external_id
        return (
            self.hash_name(source, kind, name_of(kind, resource)),
            self.hash_external(source, kind, external) if external else None,
        )

    def _hash(self, *parts: str) -> str:
        return hmac.digest(self._index_key, orjson.dumps(parts), hashlib.sha256).hex()


def open_vault(ledger: Ledger, sealer: Sealer) -> Vault:
    """The vault of this ledger, in a transaction of its own: the index key is there to stay before it is used."""
    proposal = sealer.seal(os.urandom(32), _KEY_ROW).hex()
    with ledger.transaction() as tx:
        chosen = tx.scim.index_key(proposal)
    return Vault(sealer, sealer.open(bytes.fromhex(chosen), _KEY_ROW))


def name_of(kind: str, resource: Any) -> str:
    """userName or displayName: both are required of a client."""
    return str((resource.user_name if kind == USER else resource.display_name) or "")


def etag(row: ResourceRow) -> str:
    return f'W/"{row.version}"'


def _named(member: dict[str, Any]) -> dict[str, Any]:
    """A person's name is kept here; who is a member is in a table of its own."""
    return {"value": member["value"], "display": member["display"]}


def _row_id(row: ResourceRow) -> str:
    return f"scim:{row.source}:{row.kind}:{row.id}"


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
