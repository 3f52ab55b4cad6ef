"""Proof that Lago sent a webhook: by HMAC or by JWT, as the configured secrets say.

A request never chooses between the two. Neither form carries a time: a replay is recognised by its delivery id
only. Lago's cloud signs for all its customers with one key; there, configure `account`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from unkey_sync_connectors.base import ConfigProblem, Malformed, Rejected
from unkey_sync_connectors.jose import is_pem, pem_key, read_token
from unkey_sync_connectors.payload import read_object
from unkey_sync_connectors.signing import Encoding, Scheme, Verifier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unkey_sync_connectors.base import Delivery

SIGNATURE = "x-lago-signature"
SCHEME = Scheme(signature=(SIGNATURE,), prefix="", encoding=Encoding.BASE64)
"""Base64 of an HMAC over the body alone (Lago docs, "Webhooks")."""


class LagoVerifier:
    """Secrets that are public keys verify JWTs, all others HMACs. Raises ConfigProblem for unusable ones."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [pem_key(secret) for secret in secrets if is_pem(secret)]
        shared = [secret for secret in secrets if not is_pem(secret)]
        self._hmac = Verifier(scheme=SCHEME, secrets=shared)

    def verify(self, delivery: Delivery, now: int) -> None:
        """Raises Rejected."""
        signature = delivery.headers.get(SIGNATURE, "")
        if self._keys and signature.count(".") == 2:
            _check_body(
                delivery.body, read_token(signature.encode("utf-8", "surrogatepass"), self._keys).get("data")
            )
        elif self._keys and not self._hmac.secrets:
            raise Rejected("bad_token" if signature else "missing_header", SIGNATURE)
        else:
            self._hmac.verify(delivery, now)

    def sign(self, body: bytes, now: int) -> Mapping[str, str]:
        """HMAC headers. Raises ConfigProblem: with a public key nobody but Lago can sign."""
        if not self._hmac.secrets:
            raise ConfigProblem(
                "only Lago itself can sign for a public key; add an HMAC key to try things out"
            )
        return {**self._hmac.sign(body, now), "x-lago-signature-algorithm": "hmac"}


def _check_body(body: bytes, signed: object) -> None:
    """The token speaks for its own copy of the body; the body that is read must say the same."""
    if not isinstance(signed, str):
        raise Rejected("bad_token", "no data in it")
    copy = signed.encode("utf-8", "surrogatepass")
    if copy != body and _canonical(copy) != _canonical(body):
        raise Rejected("no_match", "the body is not the one that the token was made for")


def _canonical(body: bytes) -> bytes:
    try:
        return orjson.dumps(read_object(body), option=orjson.OPT_SORT_KEYS)
    except (Malformed, orjson.JSONEncodeError):
        raise Rejected("no_match", "the body is not what a token can be compared with") from None
