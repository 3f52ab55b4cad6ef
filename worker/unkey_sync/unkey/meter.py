"""What counts calls, as the client sees it: told of every attempt, never of a body."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from unkey_sync.unkey.retry import Jitter


class Meter(Protocol):
    """Thread-safe; raises nothing. `operation` is Unkey's own name."""

    def called(self, operation: str, status: int | None, seconds: float) -> None:
        """One attempt. `status` None: no usable answer came, or nothing was sent."""

    def unknown(self, operation: str) -> None:
        """A call ended and nobody knows whether it had its effect."""

    def throttled(self, operation: str, seconds: float) -> None:
        """Unkey asked for a pause of so long."""


class Silent:
    """Counts nothing."""

    def called(self, operation: str, status: int | None, seconds: float) -> None: ...

    def unknown(self, operation: str) -> None: ...

    def throttled(self, operation: str, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """What a client is given beside its work: chance, and somebody who counts."""

    jitter: Jitter = random.random
    meter: Meter = field(default_factory=Silent)
