"""The sandbox's own time: the machine's clock, shifted, or standing still.

It can only be moved forward; what time causes (refill, expiry, replica lag) is computed elsewhere from
`now_ms`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unkey_sync.clock import Clock

DAY_MS = 86_400_000


class VirtualClock:
    """Milliseconds since the epoch, UTC."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._offset_ms = 0
        self._frozen_at: int | None = None

    @property
    def frozen(self) -> bool:
        return self._frozen_at is not None

    @property
    def offset_ms(self) -> int:
        return self._offset_ms

    def now_ms(self) -> int:
        if self._frozen_at is not None:
            return self._frozen_at
        return self._base.now() // 1000 + self._offset_ms

    def advance(self, milliseconds: int) -> None:
        """Raises ValueError for a step back."""
        if milliseconds < 0:
            raise ValueError("the clock only goes forward")
        self._offset_ms += milliseconds
        if self._frozen_at is not None:
            self._frozen_at += milliseconds

    def advance_to(self, instant_ms: int) -> None:
        """Raises ValueError for an instant in the past."""
        self.advance(instant_ms - self.now_ms())

    def reset(self) -> None:
        """Back to the machine's clock."""
        self._offset_ms = 0
        self._frozen_at = None

    def freeze(self) -> None:
        self._frozen_at = self.now_ms()

    def run(self) -> None:
        """Let a frozen clock go on from where it stands."""
        if self._frozen_at is not None:
            self._offset_ms = self._frozen_at - self._base.now() // 1000
            self._frozen_at = None
