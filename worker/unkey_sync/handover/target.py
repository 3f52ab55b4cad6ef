"""The URL that keys are sent to: what it may look like. Pure; what its name leads to is checked on connecting."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from unkey_sync.errors import ConfigError
from unkey_sync.handover.addresses import is_loopback, is_public, to_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unkey_sync.handover.addresses import Address

_SAFE: Final = re.compile(r"[!-~]+")
"""Visible ASCII. Names in other scripts are written in their xn-- form, so that all readers see one name."""
_LABEL: Final = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"(?=.{{1,254}}\Z){_LABEL}(?:\.{_LABEL})*\.?", re.IGNORECASE)
_NUMERIC_END: Final = re.compile(r"(^|\.)(0x[0-9a-f]*|[0-9]+)\.?\Z", re.IGNORECASE)
"""What browsers and C libraries take for an address: 127.1, 0177.0.0.1, 0x7f000001, 2130706433."""
_PORTS: Final = {"https": 443, "http": 80}


class Refused(ConfigError):  # noqa: N818  -- named after the state
    """Keys are not sent to such an address."""

    code = "handover_target_refused"


@dataclass(frozen=True, slots=True)
class Reach:
    """Where keys may go. `allow_loopback`: also http and any port, of this machine itself (development)."""

    ports: frozenset[int] = frozenset({443})
    allow_loopback: bool = False

    def choose(self, addresses: Iterable[Address], *, secure: bool) -> Address:
        """The address to connect to. Raises Refused when there is none, or when any of them is not allowed."""
        found = list(addresses)
        if not found:
            raise Refused("the name of the hand-over URL has no address")
        if self.allow_loopback and all(is_loopback(one) for one in found):
            return found[0]
        if not secure:
            raise Refused("plain http is for this machine itself; write https://")
        if not all(is_public(one) for one in found):
            raise Refused("the hand-over URL leads to an address that is not public")
        return found[0]


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL. The URL itself may hold a token, so it is not shown."""

    url: str = field(repr=False)
    host: str
    port: int
    secure: bool


def check_target(url: str, reach: Reach) -> Target:
    """Raises Refused, with a text that never quotes the URL."""
    parts = _split(url)
    port = _port(parts)
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    address = to_address(host)
    if address is not None:
        reach.choose([address], secure=secure)
    elif _NUMERIC_END.search(host) or not _NAME.fullmatch(host):
        raise Refused("the host of the hand-over URL is neither a name nor an address in its usual form")
    if not secure and not reach.allow_loopback:
        raise Refused("the hand-over URL must begin with https://")
    if port not in reach.ports and not reach.allow_loopback:
        raise Refused(f"port {port} is not in handover_webhook.ports")
    return Target(url, host, port, secure)


def _split(url: str) -> SplitResult:
    if not _SAFE.fullmatch(url) or "\\" in url:
        raise Refused("the hand-over URL holds characters that a URL cannot hold")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Refused("the hand-over URL cannot be read") from None
    if parts.scheme not in _PORTS:
        raise Refused("the hand-over URL must begin with https://")
    if "@" in parts.netloc or parts.fragment:
        raise Refused("the hand-over URL must not hold a user, a password or a fragment")
    return parts


def _port(parts: SplitResult) -> int:
    try:
        return parts.port if parts.port is not None else _PORTS[parts.scheme]
    except ValueError:
        raise Refused("the port of the hand-over URL is not a number up to 65535") from None
