"""The scheduler: keeps feeds caught up and rings for what is due. Any number of them may run; none must."""

from __future__ import annotations

import random
import signal
import threading
from typing import TYPE_CHECKING

import structlog

from unkey_sync.bell import bell_for
from unkey_sync.clock import SECOND
from unkey_sync.errors import SyncError
from unkey_sync.feeder import Feeder
from unkey_sync.outlive import Outlive
from unkey_sync.reports import silence_of
from unkey_sync.roles.probe import Probe
from unkey_sync.roles.start import check_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.engine.doubts import SourceAccess
    from unkey_sync.wiring import Runtime

CATCH_UP_S = 300.0
"""How often each source's feed is read."""


class Scheduler:
    """Runs until told to stop."""

    def __init__(self, runtime: Runtime, ring: Callable[[], None]) -> None:
        self._runtime = runtime
        self._ring = ring
        self._feeder = Feeder(runtime.ledger, runtime.inbox, runtime.clock, ring)
        self._log = structlog.stdlib.get_logger("unkey_sync.scheduler")
        self._next_catch_up = runtime.clock.monotonic()
        self._silent: set[str] = set()
        self._outlive = Outlive(
            log=self._log,
            passing="ledger_away",
            defect="scheduler_defect",
            count=runtime.counter_of("scheduler"),
        )
        self.stop = threading.Event()

    def run(self) -> None:
        interval_s = self._runtime.settings.timings.sweep_interval_s
        while not self.stop.is_set():
            self._outlive(self.run_once, otherwise=None)
            self._runtime.clock.wait(self.stop, interval_s * (0.8 + 0.4 * random.random()))  # noqa: S311

    def run_once(self) -> None:
        """Ring if something is due, and read the feeds when it is time. Raises Retry when the ledger is away."""
        with self._runtime.ledger.transaction() as tx:
            _, due, _ = tx.reports.open_work(self._runtime.clock.now())
        if due:
            self._ring()
        if self._runtime.clock.monotonic() >= self._next_catch_up:
            self._next_catch_up = self._runtime.clock.monotonic() + CATCH_UP_S
            self._catch_up()

    def _catch_up(self) -> None:
        for name in self._runtime.connectors:
            if self.stop.is_set():
                return
            try:
                self._listen(name)
                if name in self._runtime.access:
                    self._catch_up_one(name, self._runtime.access[name])
            except SyncError as error:
                self._log.warning("catch_up_failed", source=name, error_code=error.code, error=str(error))

    def _listen(self, name: str) -> None:
        """Says once that a source has gone quiet, and once that it is back."""
        now = self._runtime.clock.now()
        with self._runtime.ledger.transaction() as tx:
            silence = silence_of(tx, name, now)
        if silence is not None and name not in self._silent:
            self._silent.add(name)
            self._log.warning(
                "source_silent",
                source=name,
                seconds=silence.lasts // SECOND,
                usual_seconds=silence.usual // SECOND,
            )
        elif silence is None and name in self._silent:
            self._silent.discard(name)
            self._log.info("source_heard_again", source=name)

    def _catch_up_one(self, name: str, access: SourceAccess) -> None:
        news, gap = 0, ""
        for progress in self._feeder.catch_up(name, access):
            news, gap = progress.news, progress.gap
            if self.stop.is_set():
                return
        if gap:
            self._log.warning("catch_up_gap", source=name, reason=gap, remedy=f"unkey-sync backfill {name}")
        self._log.info("caught_up", source=name, news=news)


def run(runtime: Runtime, on_ready: Callable[[str], None]) -> int:
    """One scheduler process until SIGTERM or SIGINT; the exit code. `on_ready`: with the URL, if it listens."""
    check_schema(runtime)
    bell = bell_for(runtime)
    probe = Probe(runtime, on_ready)
    probe.start()
    scheduler = Scheduler(runtime, bell.ring)
    received: list[int] = []

    def stop(number: int, _frame: object) -> None:
        received.append(number)
        scheduler.stop.set()

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, stop)
    scheduler.run()
    probe.stop()
    bell.close()
    runtime.close()
    return 130 if signal.SIGINT in received else 0
