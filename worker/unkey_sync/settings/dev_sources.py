"""The sources that `dev` switches on when none is configured, with webhook secrets that survive restarts."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Any, Final

from unkey_sync.settings.secret_key import load_secret_keys

if TYPE_CHECKING:
    from unkey_sync.settings.model import Settings

KINDS: Final = ("clerk", "stripe")


def dev_sources(settings: Settings) -> dict[tuple[str, ...], Any]:
    """Flags for `load_settings`; none when a source is configured."""
    if settings.sources:
        return {}
    key = load_secret_keys(settings)[0]
    flags: dict[tuple[str, ...], Any] = {}
    for kind in KINDS:
        flags["sources", kind, "kind"] = kind
        flags["sources", kind, "webhook_secrets"] = [webhook_secret(key, kind)]
    return flags


def webhook_secret(key: bytes, source: str) -> str:
    """Derived from the key in the state folder: the same for `dev` and for `trigger`, after any restart."""
    digest = hmac.digest(key, f"webhook {source}".encode(), hashlib.sha256)
    return "whsec_" + base64.b64encode(digest[:24]).decode()
