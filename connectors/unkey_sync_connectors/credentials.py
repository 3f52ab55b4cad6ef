"""Secrets that a sender repeats in a header with every request, for vendors that sign nothing.

Proves who sent, not what was sent or when: a replay is recognised by its delivery id only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unkey_sync_connectors.base import ConfigProblem, Delivery, Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AUTHORIZATION = "authorization"

_NAMED = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+): +(\S.*)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderSecrets:
    """The secrets that admit a request. Raises ConfigProblem when built with one that cannot work.

    A secret is `name: value` (that header, that value), or what stands in one of `headers` (lower case; the
    first is what `sign` uses): in Authorization as it is, behind `Bearer`, or, for `user:password`, as Basic.
    Any one that matches is enough (rotation). Without any secret everything is rejected.
    """

    secrets: Sequence[str] = field(repr=False)
    headers: tuple[str, ...] = (AUTHORIZATION,)
    _accepted: tuple[tuple[str, bytes], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        forms = (_forms(secret, n, self.headers) for n, secret in enumerate(self.secrets, start=1))
        accepted = tuple((name, _digest(value)) for each in forms for name, value in each)
        object.__setattr__(self, "_accepted", accepted)

    def verify(self, delivery: Delivery, _now: int = 0) -> None:
        """Prove that the sender knows a secret. Raises Rejected."""
        if not self._accepted:
            raise Rejected("no_secret", "no webhook secret is configured for this source")
        if not any(delivery.headers.get(name) for name, _ in self._accepted):
            raise Rejected("missing_header", self._accepted[0][0])
        # Digests: neither content nor length of a secret shows in the time that a comparison takes.
        matches = [hmac.compare_digest(_digest(delivery.headers.get(n, "")), d) for n, d in self._accepted]
        if not any(matches):
            raise Rejected("no_match", "another secret, or another form of it")

    def sign(self, _body: bytes = b"", _now: int = 0) -> Mapping[str, str]:
        """Headers that `verify` accepts, made with the first secret. Raises ConfigProblem without one."""
        if not self.secrets:
            raise ConfigProblem("no webhook secret is configured to sign with")
        return dict(_forms(self.secrets[0], 1, self.headers)[-1:])


def _forms(secret: str, number: int, headers: Sequence[str]) -> list[tuple[str, str]]:
    """The headers that a secret may stand in, the most usual one last."""
    secret = secret.strip()
    if not secret or not (secret.isascii() and secret.isprintable()):
        raise ConfigProblem(f"webhook secret {number} is empty, or no text that a header can carry")
    named = _NAMED.fullmatch(secret)
    if named:
        return [(named[1].lower(), named[2])]
    forms = [(name, secret) for name in headers[::-1] if name != AUTHORIZATION]
    if AUTHORIZATION in headers:
        basic = base64.b64encode(secret.encode()).decode()
        forms += [(AUTHORIZATION, f"Basic {basic}")] if ":" in secret else []
        forms += [(AUTHORIZATION, f"Bearer {secret}"), (AUTHORIZATION, secret)]
    return forms


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).digest()
