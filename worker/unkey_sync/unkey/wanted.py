"""What can be asked of Unkey, as values: a new key, a change of a key, credits.

bodies.py turns them into JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unkey_sync.model import RateLimit


class Keep(Enum):
    """Says that a field is left as it is; None would clear it."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


@dataclass(frozen=True, slots=True)
class Refill:
    """Sets (never adds) the balance to `amount` at 00:00 UTC when it is lower; `day` 1-31 for monthly."""

    interval: Literal["daily", "monthly"]
    amount: int
    day: int | None = None


@dataclass(frozen=True, slots=True)
class Credits:
    """A key's quota, whole. A key without one (None) is unlimited."""

    remaining: int
    refill: Refill | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """Disabled by default: a key whose creation was not seen through must be of no use to anybody.

    `expires`: milliseconds since the epoch. `byte_length` 16-255; None leaves it to the API's default.
    """

    external_id: str
    enabled: bool = False
    name: str | None = field(default=None, repr=False)
    prefix: str | None = None
    byte_length: int | None = None
    meta: Mapping[str, Any] = field(default_factory=dict, repr=False)
    roles: Sequence[str] = ()
    permissions: Sequence[str] = ()
    ratelimits: Sequence[RateLimit] = ()
    expires: int | None = None
    credits: Credits | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPatch:
    """Every field that is given replaces what is there.

    None clears it, KEEP (the default) leaves it alone.
    """

    enabled: bool | Keep = KEEP
    name: str | Keep | None = field(default=KEEP, repr=False)
    external_id: str | Keep | None = KEEP
    meta: Mapping[str, Any] | Keep | None = field(default=KEEP, repr=False)
    roles: Sequence[str] | Keep = KEEP
    permissions: Sequence[str] | Keep = KEEP
    ratelimits: Sequence[RateLimit] | Keep = KEEP
    expires: int | Keep | None = KEEP
    credits: Credits | Keep | None = KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedKey:
    """A key whose secret we made ourselves. `hash`: base64 of its SHA-256."""

    hash: str = field(repr=False)
    key: NewKey
