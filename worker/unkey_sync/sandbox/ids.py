"""Names that Unkey makes up: object ids, key secrets, hashes of secrets.

Ids are random, never ordered by time (as upstream), so that nobody can rely on an order.
"""

from __future__ import annotations

import base64
import hashlib
import os

_ALNUM = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_TO_ALNUM = bytes(_ALNUM[byte % len(_ALNUM)] for byte in range(256))


def _random_text(length: int) -> str:
    return os.urandom(length).translate(_TO_ALNUM).decode()


def new_id(prefix: str) -> str:
    """`prefix`, an underscore and 9 random letters or digits."""
    return f"{prefix}_{_random_text(9)}"


def new_secret(prefix: str | None, byte_length: int) -> tuple[str, str]:
    """A key's plaintext and its public start (prefix and four characters)."""
    secret = _random_text(byte_length * 11 // 8)
    lead = f"{prefix}_" if prefix else ""
    return lead + secret, lead + secret[:4]


def hash_secret(secret: str) -> str:
    """Base64 of SHA-256, the form in which Unkey stores and migrates keys."""
    return base64.b64encode(hashlib.sha256(secret.encode()).digest()).decode()
