"""Which addresses may be sent to. Pure: no name is looked up here.

Python's own `is_global` changes between versions and does not look inside tunnels, hence a list of ours.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address

_CLOSED_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's wire server: public by number, internal by nature
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
"""IANA IPv4 Special-Purpose Address Registry, multicast, reserved."""

_GLOBAL_V6: Final = IPv6Network("2000::/3")
"""All that IANA has given out as global unicast; everything outside is closed."""
_CLOSED_V6: Final = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20")
)
"""IANA IPv6 Special-Purpose Address Registry, inside global unicast. Teredo is in the first."""

_LOW_32: Final = (1 << 32) - 1
_EMBEDDING: Final = (
    (IPv6Network("::ffff:0:0/96"), 0),  # v4-mapped
    (IPv6Network("::ffff:0:0:0/96"), 0),  # v4-translated
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64
    (IPv6Network("2002::/16"), 80),  # 6to4: the IPv4 address begins behind 16 bits
)
"""Forms of an IPv4 address in IPv6, and how far from the right it stands (RFC 4291, 6052, 3056)."""


def is_public(address: Address) -> bool:
    """True when the address, and any IPv4 address inside it, belongs to the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    for network, shift in _EMBEDDING:
        if address in network:
            return is_public(IPv4Address(int(address) >> shift & _LOW_32))
    if _is_isatap(address):
        return False
    return address in _GLOBAL_V6 and not any(address in network for network in _CLOSED_V6)


def is_loopback(address: Address) -> bool:
    return address.is_loopback


def to_address(text: str) -> Address | None:
    """The address that is written here in its usual form; None for names and for zones."""
    try:
        return None if "%" in text else ip_address(text)
    except ValueError:
        return None


def _is_isatap(address: IPv6Address) -> bool:
    """RFC 5214: the last 64 bits are 0000:5efe or 0200:5efe and an IPv4 address."""
    return int(address) >> 32 & 0xFDFFFFFF == 0x00005EFE
