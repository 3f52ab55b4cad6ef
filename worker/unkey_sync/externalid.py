"""A subject's id as Unkey's externalId, and back.

Unkey takes `[A-Za-z0-9_.-]`, 1 to 255 characters. Ids of that form pass unchanged (Clerk, Stripe, WorkOS,
UUIDs); others get one reversible form, those still too long a one-way hash. No two subjects share one
externalId. The encoding is part of the ledger's data: it can never be changed.
"""

from __future__ import annotations

import hashlib
import re

MAX_LENGTH = 255

_HASH_MARK = ".FF"  # no UTF-8 text holds the byte FF, so no escaped id can begin like this

# A dot is escaped only where two hex digits follow: only there it could be read as an escape. A leading `id_`
# is escaped because Unkey reads it as one of its own identity ids first, and would act on somebody else.
_TO_ESCAPE = re.compile(r"^i(?=d_)|[^A-Za-z0-9_.\-]|\.(?=[0-9A-F]{2})")
_ESCAPED = re.compile(r"(?:\.[0-9A-F]{2})+")


def encode(subject: str) -> str:
    """The externalId of a subject: unchanged, escaped (`auth0|5f` is `auth0.7C5f`) or `.FF` + 64 hex digits.

    The last form, for ids with more than 255 characters once escaped and for the empty id, cannot be decoded.
    """
    escaped = _TO_ESCAPE.sub(_escape, subject)
    return escaped if 0 < len(escaped) <= MAX_LENGTH else _HASH_MARK + _digest(subject)


def decode(external_id: str) -> str | None:
    """The subject behind an externalId; None when `encode` did not make it, or made it one-way."""
    try:
        subject = _ESCAPED.sub(_unescape, external_id)
    except UnicodeDecodeError:
        return None
    return subject if encode(subject) == external_id else None


def _escape(match: re.Match[str]) -> str:
    return "".join(f".{byte:02X}" for byte in match[0].encode("utf-8", "surrogatepass"))


def _unescape(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace(".", "")).decode("utf-8", "surrogatepass")


def _digest(subject: str) -> str:
    return hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()
