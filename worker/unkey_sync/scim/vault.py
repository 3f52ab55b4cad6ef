"""How a SCIM resource rests in the ledger: sealed, with keyed hashes of the values it is looked up by.

The key of the hashes is made once per ledger and rests sealed in it, so that secret keys can rotate.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import ValidationError
from scim2_models import Group, Meta, Resource

from unkey_sync.errors import Park, Stop
from unkey_sync.ledger.scim_rows import GROUP, USER, MemberRow, ResourceRow

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Ledger
    from unkey_sync.seal import Sealer

_KEY_ROW = "scim_index_key"
_KEPT_ELSEWHERE = ("id", "meta", "members", "groups", "password")
"""Columns, tables, computed; and a password is none of our business."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Unreadable(Stop):
    """A stored SCIM resource cannot be opened; its key must be among the secret keys."""


class Vault:
    """Seals and opens resources."""

    def __init__(self, sealer: Sealer, index_key: bytes) -> None:
        self._sealer = sealer
        self._index_key = index_key

    def seal(self, resource: Resource[Any], row: ResourceRow) -> bytes:
        said = resource.model_copy(update={"members": None} if row.kind == GROUP else {}).model_dump()
        content = {name: value for name, value in said.items() if name not in _KEPT_ELSEWHERE}
        return self._sealer.seal(orjson.dumps(content), _row_id(row))

    def open(self, row: ResourceRow, model: type[Resource[Any]]) -> Resource[Any]:
        """The resource without members. Raises Unreadable."""
        content = self._open(row.sealed, _row_id(row))
        try:
            resource = model.model_validate(orjson.loads(content))
        except ValidationError:  # its text quotes names and addresses
            raise Unreadable("a stored SCIM resource cannot be read by this version") from None
        if isinstance(resource, Group):
            resource.members = None  # earlier versions kept display names there
        resource.id = row.id
        resource.meta = Meta(
            resource_type=row.kind,
            created=_moment(row.created_at),
            last_modified=_moment(row.version),
            version=etag(row),
        )
        return resource

    def name_member(self, row: MemberRow, display: str | None) -> MemberRow:
        """The row with this display name."""
        sealed = self._sealer.seal(display.encode(), _member_id(row)).hex() if display else None
        return replace(row, display=sealed)

    def member_name(self, row: MemberRow) -> str | None:
        return self._open(bytes.fromhex(row.display), _member_id(row)).decode() if row.display else None

    def hash_name(self, source: str, kind: str, name: str) -> str:
        """Of a userName or a group's displayName, which are compared without case (RFC 7643, section 4)."""
        return self._hash(source, kind, "name", _folded(name))

    def hash_external(self, source: str, kind: str, external_id: str) -> str:
        """Of an externalId, which is compared exactly (RFC 7643, section 3.1)."""
        return self._hash(source, kind, "externalId", unicodedata.normalize("NFC", external_id))

    def hash_email(self, source: str, address: str) -> str:
        """Of an e-mail address, which is compared without case."""
        return self._hash(source, USER, "email", _folded(address))

    def hashes_of_emails(self, source: str, resource: Any) -> frozenset[str]:
        """The hashes of all addresses of a user."""
        entries = getattr(resource, "emails", None) or ()
        return frozenset(self.hash_email(source, str(one.value)) for one in entries if one.value)

    def hashes(self, source: str, kind: str, resource: Resource[Any]) -> tuple[str, str | None]:
        """The hashes of a resource's name and external id."""
        external = resource.external_id
        return (
            self.hash_name(source, kind, name_of(kind, resource)),
            self.hash_external(source, kind, external) if external else None,
        )

    def _open(self, sealed: bytes, row_id: str) -> bytes:
        try:
            return self._sealer.open(sealed, row_id)
        except Park as error:  # not what the client sent is wrong, but our keys
            raise Unreadable(str(error)) from None

    def _hash(self, *parts: str) -> str:
        return hmac.digest(self._index_key, orjson.dumps(parts), hashlib.sha256).hex()


def open_vault(ledger: Ledger, sealer: Sealer) -> Vault:
    """The vault of this ledger, in a transaction of its own: the index key is there to stay before it is used."""
    proposal = sealer.seal(os.urandom(32), _KEY_ROW).hex()
    with ledger.transaction() as tx:
        chosen = tx.scim.index_key(proposal)
    try:
        return Vault(sealer, sealer.open(bytes.fromhex(chosen), _KEY_ROW))
    except Park as error:
        raise Unreadable(str(error)) from None


def name_of(kind: str, resource: Any) -> str:
    """userName or displayName: both are required of a client."""
    return str((resource.user_name if kind == USER else resource.display_name) or "")


def etag(row: ResourceRow) -> str:
    return f'W/"{row.version}"'


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def _member_id(row: MemberRow) -> str:
    return f"scim:{row.source}:{row.group_id}:{row.member_id}"


def _row_id(row: ResourceRow) -> str:
    return f"scim:{row.source}:{row.kind}:{row.id}"


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
