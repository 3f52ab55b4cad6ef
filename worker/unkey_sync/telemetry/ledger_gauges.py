"""Gauges about the ledger, read at scrape time through one injected function.

A database that is down or slow costs its gauges (the last ones are shown, `unkey_sync_ledger_up` is 0),
never the page.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from unkey_sync.errors import SyncError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Reading = Mapping[str, Mapping[str, float]]
    """Gauge name -> label value -> number."""

GAUGES: Final = {
    "backlog_events": ("Events that wait, by state", "state"),
    "backlog_oldest_seconds": ("Age of the oldest event that waits, by state", "state"),
    "parked_events": ("Subjects put aside, by cause; `event`: events put aside alone", "cause"),
    "breaches": ("Enabled keys that nobody may use, by cause", "cause"),
    "backfill_progress_ratio": ("Share of a listing that is done", "source"),
    "last_look_timestamp_seconds": ("When the standing check last looked: at the ledger, at Unkey", "at"),
}
READ_S = 0.5


class LedgerGauges(Collector):
    """A collector.

    `read` returns the gauges by the names above and raises `SyncError` when the ledger is away.
    """

    def __init__(self, read: Callable[[], Reading], patience_s: float = READ_S) -> None:
        self._read = read
        self._patience_s = patience_s
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="ledger-gauges")
        self._running: Future[Reading] | None = None
        self._last: Reading = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        up = self._refresh()
        yield GaugeMetricFamily("unkey_sync_ledger_up", "1 when the gauges below are fresh", value=up)
        for name, (text, label) in GAUGES.items():
            family = GaugeMetricFamily(f"unkey_sync_{name}", text, labels=[label])
            for value, number in self._last.get(name, {}).items():
                family.add_metric([value], number)
            yield family

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing in advance: registering must not read the database."""
        return []

    def _refresh(self) -> bool:
        # A read that hangs is waited for again at the next scrape; a second one is never started beside it.
        if self._running is None:
            self._running = self._reader.submit(self._read)
        try:
            self._last = self._running.result(self._patience_s)
        except TimeoutError:
            return False
        except SyncError:
            self._running = None
            return False
        self._running = None
        return True
