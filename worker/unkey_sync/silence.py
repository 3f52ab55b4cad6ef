"""Gap detection: has a source that used to send events gone quiet? Pure; what to do about it is the caller's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync.clock import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

ARRIVALS = 50
"""How many of the latest arrivals tell what is usual."""
_FEWEST = 10
_TIMES = 10
_SHORTEST = 900 * SECOND


@dataclass(frozen=True, slots=True)
class Silence:
    """How long nothing came, and the usual gap between two events. Microseconds."""

    lasts: int
    usual: int


def compute_silence(arrivals: Sequence[int], now: int) -> Silence | None:
    """None: nothing unusual. `arrivals`: newest first, microseconds.

    The usual gap is the average, which a burst cannot make small. Fewer than ten arrivals tell nothing, and no
    silence under a quarter of an hour counts.
    """
    if len(arrivals) < _FEWEST:
        return None
    usual = (arrivals[0] - arrivals[-1]) // (len(arrivals) - 1)
    lasts = now - arrivals[0]
    return Silence(lasts, usual) if lasts > max(_SHORTEST, _TIMES * usual) else None
