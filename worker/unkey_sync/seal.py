"""Sealing of what rests in the database: AES-256-GCM, bound to its row by the row id.

Envelope: one version byte, 4 bytes that name the key, 12 bytes nonce, ciphertext with tag. The first key
seals, every key opens, so keys rotate by putting a new one in front.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from unkey_sync.errors import ConfigError, Park

if TYPE_CHECKING:
    from collections.abc import Sequence

_VERSION = b"\x01"
_KEY_BYTES = 32


class Sealer:
    """Seals and opens with a list of 32-byte keys. Never prints them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != _KEY_BYTES for key in keys):
            raise ConfigError("UNKEY_SYNC_SECRET_KEY: each key must be 32 bytes, base64")
        self._sealing = _name(keys[0])
        self._keys = {_name(key): AESGCM(key) for key in keys}

    @classmethod
    def from_text(cls, text: str) -> Sealer:
        """Keys as base64, separated by commas. Raises ConfigError without quoting them."""
        try:
            keys = [base64.b64decode(part.strip(), validate=True) for part in text.split(",") if part.strip()]
        except binascii.Error as error:
            raise ConfigError("UNKEY_SYNC_SECRET_KEY is not base64") from error
        return cls(keys)

    def seal(self, plain: bytes, row_id: str) -> bytes:
        nonce = os.urandom(12)
        cipher = self._keys[self._sealing].encrypt(nonce, plain, row_id.encode())
        return _VERSION + self._sealing + nonce + cipher

    def open(self, sealed: bytes, row_id: str) -> bytes:
        """The plain bytes. Raises Park when the key is missing or the value was not sealed for this row."""
        key = self._keys.get(sealed[1:5])
        if sealed[:1] != _VERSION or key is None:
            raise Park("sealed with a key that is not configured; add it to UNKEY_SYNC_SECRET_KEY")
        try:
            return key.decrypt(sealed[5:17], sealed[17:], row_id.encode())
        except InvalidTag as error:
            raise Park("a sealed value does not belong to its row") from error


def _name(key: bytes) -> bytes:
    return hashlib.sha256(b"unkey-sync key name" + key).digest()[:4]
