"""Supabase's deliveries: database webhooks (`type`, `record`, `old_record`) and auth hooks (`metadata`, `user`).

Source: Supabase docs, "Database Webhooks" and "Auth Hooks". Tables other than `auth.users` are ignored, and so is
the hook before a sign-up: another hook may still refuse it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from unkey_sync_connectors import statements
from unkey_sync_connectors.base import Malformed
from unkey_sync_connectors.event import Event, EventOp
from unkey_sync_connectors.payload import Fields, body_digest, naming, read_object
from unkey_sync_connectors.supabase import bodies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync_connectors.base import Delivery, SourceConfig

_TABLE = ("auth", "users")
_AFTER_SIGN_UP = "after-user-created"
_TOLD = ("type", "schema", "table")
_KEPT = {
    "metadata": frozenset({"uuid", "time", "name"}),
    "user": bodies.READ,
    "record": bodies.READ,
    "old_record": bodies.READ,
}
"""All that is read, and so all that may be stored."""
_RANKS = {"INSERT": 0, "DELETE": 2}


def read_delivery(config: SourceConfig, delivery: Delivery) -> Sequence[Event]:
    """The event of one delivery. Raises Malformed, Unusable."""
    envelope = Fields(read_object(delivery.body))
    if "metadata" in envelope.raw():
        return [_hook(config, envelope)]
    return [_row_change(config, envelope, body_digest(config.name, delivery.body))]


def spare(body: bytes) -> bytes:
    """The body without what must not be stored: a row of `auth.users` holds password hashes and tokens.

    What is no object is no event either; nothing of it stays.
    """
    try:
        found = read_object(body)
    except Malformed:
        return b""
    told = {name: found.get(name) for name in _TOLD if name in found}
    rows = {name: _spared(found[name], names) for name, names in _KEPT.items() if name in found}
    return orjson.dumps({**told, **rows})


def _spared(row: Any, names: frozenset[str]) -> Any:
    return {name: row[name] for name in sorted(names & row.keys())} if isinstance(row, dict) else None


def _hook(config: SourceConfig, envelope: Fields) -> Event:
    """The header's id is new with every attempt; the one in the body is not."""
    delivery_id = envelope.id("metadata.uuid")
    with naming(delivery_id):
        event_type = envelope.id("metadata.name")
    with naming(delivery_id, event_type):
        sent = envelope.instant("metadata.time")
        blank = _blank(config, delivery_id, event_type)
        dated = statements.dated(replace(blank, occurred_at=sent.us, rank=0), sent)
        if event_type != _AFTER_SIGN_UP:
            return dated
        return bodies.user(dated, envelope.fields("user"), bodies.API_METADATA, config.metadata_keys)


def _row_change(config: SourceConfig, envelope: Fields, delivery_id: str) -> Event:
    with naming(delivery_id):
        event_type = envelope.id("type")
    with naming(delivery_id, event_type):
        blank = replace(_blank(config, delivery_id, event_type), rank=_RANKS.get(event_type, 1))
        if (envelope.text_or_none("schema"), envelope.text_or_none("table")) != _TABLE:
            return blank
        if event_type == "DELETE":
            return _row_deleted(blank, envelope.fields("old_record"))
        row = envelope.fields("record")
        updated = row.instant("updated_at")
        return bodies.user(
            replace(blank, occurred_at=updated.us), row, bodies.ROW_METADATA, config.metadata_keys
        )


def _row_deleted(blank: Event, row: Fields) -> Event:
    """A row that is gone has no time of its own; its id, a UUID, is never given again."""
    dated = statements.dated(blank, row.instant_or_none("updated_at"))
    gone = statements.delete(dated, bodies.user_entity(row), terminal=True)
    return replace(gone, occurred_at=gone.version)


def _blank(config: SourceConfig, delivery_id: str, event_type: str) -> Event:
    return Event(
        source=config.name,
        account="",
        delivery_id=delivery_id,
        type=event_type,
        occurred_at=0,
        op=EventOp.IGNORE,
    )
