"""Secrets that are sent, not signed with: a bearer token, basic authentication, any fixed header.

They prove who speaks, and nothing about the body or the time: use them over TLS only. Compared in constant time.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unkey_sync_connectors.base import ConfigProblem, Rejected
from unkey_sync_connectors.signing import read_header

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from unkey_sync_connectors.base import Delivery

AUTHORIZATION = "authorization"


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """`read` takes the secret out of the header's value, `write` puts it in; `read` raises Rejected."""

    header: str
    secrets: Sequence[str] = field(repr=False)
    read: Callable[[str], bytes]
    write: Callable[[str], str]

    def __post_init__(self) -> None:
        for number, secret in enumerate(self.secrets, start=1):
            if not secret.strip() or not secret.isprintable():
                raise ConfigProblem(f"webhook secret {number} is empty or not printable")

    def verify(self, delivery: Delivery, _now: int) -> None:
        if not self.secrets:
            raise Rejected("no_secret", "no webhook secret is configured for this source")
        sent = self.read(read_header(delivery.headers, (self.header,)))
        if not any(hmac.compare_digest(secret.encode(), sent) for secret in self.secrets):
            raise Rejected("no_match", "another endpoint's secret")

    def sign(self, _body: bytes, _now: int) -> Mapping[str, str]:
        if not self.secrets:
            raise ConfigProblem("no webhook secret is configured to sign with")
        return {self.header: self.write(self.secrets[0])}


def header_secret(header: str, secrets: Sequence[str]) -> SharedSecret:
    """The header's whole value is the secret."""
    return SharedSecret(header, secrets, str.encode, str)


def bearer(secrets: Sequence[str]) -> SharedSecret:
    """`Authorization: Bearer <secret>` (RFC 6750)."""
    return SharedSecret(
        AUTHORIZATION, secrets, lambda value: _credentials(value, "bearer"), "Bearer {}".format
    )


def basic(secrets: Sequence[str]) -> SharedSecret:
    """`Authorization: Basic …` (RFC 7617); a secret is `user:password`. Raises ConfigProblem."""
    if not all(":" in secret for secret in secrets):
        raise ConfigProblem("a secret for basic authentication is written user:password")
    return SharedSecret(AUTHORIZATION, secrets, _read_basic, _write_basic)


def _credentials(value: str, scheme: str) -> bytes:
    name, _, credentials = value.partition(" ")
    if name.lower() != scheme:
        raise Rejected("bad_header", f"{AUTHORIZATION} is not {scheme}")
    return credentials.strip().encode()


def _read_basic(value: str) -> bytes:
    try:
        return base64.b64decode(_credentials(value, "basic"), validate=True)
    except binascii.Error:
        raise Rejected("bad_header", f"{AUTHORIZATION} is not base64") from None


def _write_basic(secret: str) -> str:
    return f"Basic {base64.b64encode(secret.encode()).decode()}"
