"""A new key as a signed message (Standard Webhooks 1.0, symmetric `v1`). Pure."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from unkey_sync.clock import SECOND
from unkey_sync.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_SECRET_BYTES = 24
"""Standard Webhooks, "Signature scheme": 24 to 64 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that may be handed over, in the clear. `key` None: the owner is only told that it waits.

    `previous_ends_at`: when the slot's earlier key ends, microseconds.
    """

    handover_id: str
    subject: str
    external_id: str
    slot: str
    member: str
    key_id: str
    generation: int
    key: str | None = field(repr=False)
    previous_ends_at: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """Headers and body of one attempt; only the timestamp and the signature differ between attempts."""

    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def decode_secret(secret: str) -> bytes:
    """The key behind `whsec_`. Raises ConfigError without quoting it."""
    encoded = secret.strip().removeprefix("whsec_")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < LEAST_SECRET_BYTES:
        raise ConfigError(
            "handover_webhook.secrets: must be whsec_ and base64 of at least 24 bytes "
            "(make one with: echo whsec_$(openssl rand -base64 32))"
        )
    return key


def to_message(new: NewKey, secrets: Sequence[bytes], now: int) -> Message:
    """Sign with every secret, so that the receiver can change its own at any time. `now`: microseconds."""
    body = orjson.dumps(_content(new))
    timestamp = str(now // SECOND)
    signed = f"{new.handover_id}.{timestamp}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in secrets]
    headers = {
        "content-type": "application/json",
        "user-agent": "unkey-sync",
        "webhook-id": new.handover_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
        "idempotency-key": new.handover_id,
    }
    return Message(headers, body)


def _content(new: NewKey) -> dict[str, Any]:
    shown = {"key": new.key} if new.key is not None else {"waits_in": "vault"}
    ends = new.previous_ends_at
    return {
        "type": "key.issued" if new.generation == 1 else "key.rotated",
        "data": {
            "subject": new.subject,
            "external_id": new.external_id,
            "slot": new.slot,
            "member": new.member or None,
            "key_id": new.key_id,
            "generation": new.generation,
            **shown,
            "previous_key_ends_at": None if ends is None else _to_text(ends),
        },
    }


def _to_text(instant: int) -> str:
    """ISO 8601, UTC, whole seconds."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=instant // SECOND)
    return moment.isoformat().replace("+00:00", "Z")
