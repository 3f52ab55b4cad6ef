"""Decides when a process drains: on a nudge, and on its own timer whatever the broker does.

One drain at a time in a process; a nudge that comes meanwhile makes it look once more.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import structlog

from unkey_sync.outlive import Outlive, uncounted

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.clock import Clock
    from unkey_sync.engine.drain import Drain


class Sweeper:
    """Owns the draining of one process. `jitter` yields numbers in [0, 1); `count` is told of defects."""

    def __init__(
        self,
        drain: Drain,
        clock: Clock,
        interval_s: float,
        jitter: Callable[[], float],
        count: Callable[[], None] = uncounted,
    ) -> None:
        self._drain = drain
        self._clock = clock
        self._interval_s = interval_s
        self._jitter = jitter
        self._busy = threading.Lock()
        self._again = threading.Event()
        # Of the reactions only an absent database comes so far; leases give the work of a dead drain back.
        self._outlive = Outlive(
            log=structlog.stdlib.get_logger("unkey_sync.engine"),
            passing="ledger_away",
            defect="drain_failed",
            count=count,
        )
        self.stop = threading.Event()

    def drain(self) -> None:
        """Work until nothing is due. Returns at once if this process is at it already."""
        self._again.set()
        while self._again.is_set() and self._busy.acquire(blocking=False):
            try:
                self._again.clear()
                self._run_once()
            finally:
                self._busy.release()

    def run(self) -> None:
        """Sweep until told to stop: at start, then every interval, give or take a fifth."""
        while not self.stop.is_set():
            self.drain()
            self._clock.wait(self.stop, self._interval_s * (0.8 + 0.4 * self._jitter()))

    def close(self) -> None:
        self.stop.set()
        with self._busy:
            self._drain.close()

    def _run_once(self) -> None:
        if self.stop.is_set():
            return
        self._outlive(partial(self._drain.run, self.stop), otherwise=0)
