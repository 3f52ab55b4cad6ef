"""One HMAC routine for every vendor's webhook signatures; a vendor's scheme is data (`Scheme`).

Works on raw bytes and compares in constant time. Does no asymmetric signatures and no JWT, and does nothing
with the body but hash it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from unkey_sync_connectors.base import ConfigProblem, Delivery, Rejected
from unkey_sync_connectors.timestamps import MILLISECOND, SECOND, BadTimestamp, to_microseconds

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping, Sequence

MAX_HEADER_LENGTH = 8_192
"""Longest signature header looked at: a hundred hex signatures fit, a flood does not."""
MAX_ELEMENTS = 100
"""How many elements of a signature header are taken apart; the rest of it counts as one more."""
MAX_SIGNATURES = 16
"""How many signatures of the right version are compared; senders use two while a secret rolls."""


class Proof(Protocol):
    """What proves a delivery. `verify` raises Rejected, `sign` ConfigProblem when it cannot."""

    def verify(self, delivery: Delivery, now: int, /) -> None: ...

    def sign(self, body: bytes, now: int, /) -> Mapping[str, str]: ...


class Encoding(Enum):
    """How a signature is written."""

    HEX = "hex"
    BASE64 = "base64"


class KeyForm(Enum):
    """How a secret becomes the HMAC key."""

    TEXT = "text"
    """The whole secret as UTF-8, prefix included."""
    BASE64 = "base64"
    """The base64 part behind `whsec_`."""
    EITHER = "either"
    """The text as it stands or, where it is base64, what that decodes to. `sign` uses the text."""


class Unit(Enum):
    """How `sign` writes the timestamp. `verify` tells units apart by magnitude."""

    SECONDS = "s"
    MILLISECONDS = "ms"
    ISO = "iso"
    """ISO 8601 in UTC with milliseconds and no offset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """How one vendor signs.

    `signature`, `timestamp`, `id`: names of the headers (lower case), of which the first present one counts;
    `()` when the scheme has none. `label`: what marks a usable signature inside its header, e.g. `v1` of
    `v1=…`; empty when the header is one bare signature. `separator` stands between the elements of that
    header, `assign` between an element's name and its value. `timestamp_label`: the timestamp is such an
    element, too. `prefix` and `suffix`: what is hashed before and after the body, with `{id}` and
    `{timestamp}` as received. `times`: the form of a timestamp, where only one counts; any other is stale.
    """

    signature: tuple[str, ...]
    prefix: str
    suffix: str = ""
    timestamp: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    label: str = ""
    separator: str = ","
    assign: str = "="
    timestamp_label: str = ""
    encoding: Encoding = Encoding.HEX
    key: KeyForm = KeyForm.TEXT
    digest: str = "sha256"
    unit: Unit = Unit.SECONDS
    times: re.Pattern[str] | None = None


STANDARD_WEBHOOKS = Scheme(
    signature=("webhook-signature", "svix-signature"),
    timestamp=("webhook-timestamp", "svix-timestamp"),
    id=("webhook-id", "svix-id"),
    prefix="{id}.{timestamp}.",
    label="v1",
    separator=" ",
    assign=",",
    encoding=Encoding.BASE64,
    key=KeyForm.BASE64,
)
"""Standard Webhooks 1.0, symmetric (`v1`), under its own header names or Svix's."""

SVIX = replace(
    STANDARD_WEBHOOKS,
    signature=("svix-signature", "webhook-signature"),
    timestamp=("svix-timestamp", "webhook-timestamp"),
    id=("svix-id", "webhook-id"),
)
"""The same, from senders that use Svix (Svix docs, "Verifying payloads manually")."""

STRIPE = Scheme(signature=("stripe-signature",), prefix="{timestamp}.", label="v1", timestamp_label="t")
"""Stripe's `t=…,v1=…` (Stripe docs, "Verify webhook signatures manually"); the secret is used whole."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a delivery's headers claim: not yet proven."""

    id: str
    timestamp: str
    signatures: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """A scheme with its secrets. Raises ConfigProblem when built with a secret that cannot work.

    Without any secret it rejects everything: a source may be configured for its API only.

    `secrets`: any one that matches is enough (rotation). `tolerance_s`: how far, in seconds, the time of the
    attempt may lie from ours, in both directions.
    """

    scheme: Scheme
    secrets: Sequence[str] = field(repr=False)
    tolerance_s: int = 300
    _keys: tuple[bytes, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        numbered = enumerate(self.secrets, start=1)
        keys = tuple(key for n, secret in numbered for key in _keys(self.scheme.key, secret, n))
        object.__setattr__(self, "_keys", keys)

    def verify(self, delivery: Delivery, now: int) -> None:
        """Prove that a holder of a secret signed this lately. `now`: microseconds. Raises Rejected."""
        if not self._keys:
            raise Rejected("no_secret", "no webhook secret is configured for this source")
        claims = read_claims(self.scheme, delivery.headers)
        check_age(claims.timestamp, now, self.tolerance_s)
        if self.scheme.times and not self.scheme.times.fullmatch(claims.timestamp):
            raise Rejected("too_old", "a timestamp in another unit than this vendor's")
        for key in self._keys:
            expected = self._signature(key, claims.id, claims.timestamp, delivery.body).encode()
            if any(hmac.compare_digest(expected, claimed.encode()) for claimed in claims.signatures):
                return
        raise Rejected("no_match", "another endpoint's secret, or something changed the body on its way")

    def sign(self, body: bytes, now: int) -> Mapping[str, str]:
        """Headers that `verify` accepts, made with the first secret. `now`: microseconds.

        Raises ConfigProblem when there is no secret.
        """
        if not self._keys:
            raise ConfigProblem("no webhook secret is configured to sign with")
        scheme = self.scheme
        timestamp = _written(now, scheme.unit)
        message_id = "msg_" + hashlib.sha256(timestamp.encode() + body).hexdigest()[:24]
        signature = self._signature(self._keys[0], message_id, timestamp, body)
        named = f"{scheme.label}{scheme.assign}{signature}" if scheme.label else signature
        if scheme.timestamp_label:
            named = f"{scheme.timestamp_label}{scheme.assign}{timestamp}{scheme.separator}{named}"
        headers = {scheme.signature[0]: named}
        headers.update(dict.fromkeys(scheme.timestamp[:1], timestamp))
        headers.update(dict.fromkeys(scheme.id[:1], message_id))
        return headers

    def _signature(self, key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
        before, after = (
            part.replace("{id}", message_id).replace("{timestamp}", timestamp).encode()
            for part in (self.scheme.prefix, self.scheme.suffix)
        )
        mac = hmac.digest(key, before + body + after, self.scheme.digest)
        return mac.hex() if self.scheme.encoding is Encoding.HEX else base64.b64encode(mac).decode()


def _written(now: int, unit: Unit) -> str:
    if unit is Unit.ISO:
        moment = datetime.fromtimestamp(now // SECOND, tz=UTC).replace(tzinfo=None)
        return f"{moment.isoformat()}.{now % SECOND // MILLISECOND:03}"
    return str(now // (SECOND if unit is Unit.SECONDS else MILLISECOND))


def _keys(form: KeyForm, secret: str, number: int) -> tuple[bytes, ...]:
    if form is not KeyForm.EITHER:
        return (_key(form, secret, number),)
    text = _key(KeyForm.TEXT, secret, number)
    try:
        return text, _key(KeyForm.BASE64, secret, number)
    except ConfigProblem:
        return (text,)


def _key(form: KeyForm, secret: str, number: int) -> bytes:
    if not secret.strip():
        raise ConfigProblem(f"webhook secret {number} is empty")
    if form is KeyForm.TEXT:
        return secret.encode()
    encoded = secret.strip().removeprefix("whsec_")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigProblem(f"webhook secret {number} is not base64; copy the vendor's text whole") from None
    if not key:
        raise ConfigProblem(f"webhook secret {number} is empty behind its prefix")
    return key


def check_age(timestamp: str, now: int, tolerance_s: int) -> None:
    """Raises Rejected for a time of attempt too far from `now` (microseconds), both ways; "" is no time."""
    if not timestamp:
        return
    try:
        sent = to_microseconds(timestamp)
    except BadTimestamp:
        raise Rejected("bad_timestamp") from None
    if sent < now - tolerance_s * SECOND:
        raise Rejected("too_old", "sent long ago, or this machine's clock is fast")
    if sent > now + tolerance_s * SECOND:
        raise Rejected("too_new", "sent in the future, or this machine's clock is slow")


def read_claims(scheme: Scheme, headers: Mapping[str, str]) -> Claims:
    """What the headers claim in this scheme's terms. Raises Rejected when they cannot be a signature."""
    signature = read_header(headers, scheme.signature)
    timestamp = read_header(headers, scheme.timestamp) if scheme.timestamp else ""
    message_id = read_header(headers, scheme.id) if scheme.id else ""
    if "." in message_id:
        # The dot separates the signed parts: with one inside, two messages could share one signature.
        raise Rejected("bad_id")
    if not scheme.label:
        return Claims(message_id, timestamp, (signature,))
    # The strip is for senders that separate by comma and space.
    parts = (part.strip(" ,") for part in signature.split(scheme.separator, MAX_ELEMENTS))
    elements = [part.partition(scheme.assign) for part in parts]
    if scheme.timestamp_label:
        timestamp = next((value for name, _, value in elements if name == scheme.timestamp_label), "")
        if not timestamp:
            raise Rejected("bad_timestamp")
    signatures = [value for name, _, value in elements if name == scheme.label]
    return Claims(message_id, timestamp, signatures[:MAX_SIGNATURES])


def read_header(headers: Mapping[str, str], names: Sequence[str]) -> str:
    """The first of these headers (lower case) that is present. Raises Rejected: none, too long, not ASCII."""
    value = next((headers[name] for name in names if headers.get(name)), "")
    if not value:
        raise Rejected("missing_header", names[0])
    if len(value) > MAX_HEADER_LENGTH:
        raise Rejected("header_too_long", names[0])
    if not value.isascii():
        raise Rejected("bad_header", names[0])
    return value
