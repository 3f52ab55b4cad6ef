"""The hand-over thread of a worker: sends often, does chores once a minute, outlives a database that is away."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

import structlog

from unkey_sync.outlive import Outlive, uncounted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unkey_sync.clock import Clock
    from unkey_sync.handover.sender import Sender

UPKEEP_S = 60.0


class Chore(Protocol):
    """What has to be done once a minute, by any process."""

    def run_once(self) -> int: ...


class Handovers:
    """`sender` None: no URL is configured, so webhooks wait until one is, or until they expire.

    `count` is told of defects.
    """

    def __init__(
        self,
        sender: Sender | None,
        chores: Sequence[Chore],
        clock: Clock,
        interval_s: float,
        count: Callable[[], None] = uncounted,
    ) -> None:
        self._sender = sender
        self._chores = chores
        self._clock = clock
        self._interval_s = interval_s
        self._next_upkeep = clock.monotonic()
        self._outlive = Outlive(
            log=structlog.stdlib.get_logger("unkey_sync.handover"),
            passing="handover_round_failed",
            defect="handover_defect",
            count=count,
        )
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.is_set():
            busy = self.run_once()
            if not busy:
                self._clock.wait(self.stop, self._interval_s)

    def run_once(self) -> bool:
        """One small round; True when there may be more to send at once."""
        return self._outlive(self._round, otherwise=False)

    def _round(self) -> bool:
        if self._clock.monotonic() >= self._next_upkeep:
            self._next_upkeep = self._clock.monotonic() + UPKEEP_S
            for chore in self._chores:
                self._outlive(chore.run_once, otherwise=0)
        return self._sender is not None and self._sender.run_once() > 0
