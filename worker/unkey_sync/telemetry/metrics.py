"""All metrics of the service, in a registry of their own. Label sets are closed; no subject is ever a label.

Gauges about the ledger are not here: they are read from the database at scrape time (ledger_gauges.py).
"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client.registry import Collector

    from unkey_sync.intake import Intake, Receipt

ACK_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5)
CALL_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LAG_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)


class ReceiverMetrics:
    """What the receiver counts."""

    OUTCOMES = ("accepted", "duplicate", "rejected", "ignored", "parked", "malformed", "unavailable")

    def __init__(self, registry: CollectorRegistry) -> None:
        self._received = Counter(
            "unkey_sync_events_received_total",
            "Events by what the receiver did with them",
            ["source", "outcome"],
            registry=registry,
        )
        self._ack = Histogram(
            "unkey_sync_ack_duration_seconds",
            "From the first look at a delivery to its answer",
            ["source"],
            buckets=ACK_BUCKETS,
            registry=registry,
        )

    def received(self, source: str, outcome: str, count: int = 1) -> None:
        self._received.labels(source, outcome).inc(count)

    def stored(self, intake: Intake, receipt: Receipt) -> None:
        """A delivery that was committed."""
        if receipt.duplicates:
            self.received(intake.source, "duplicate", receipt.duplicates)
        if receipt.accepted:
            self.received(intake.source, intake.outcome, receipt.accepted)

    def acked(self, source: str, seconds: float) -> None:
        self._ack.labels(source).observe(seconds)


class EngineMetrics:
    """What the workers count."""

    OUTCOMES = ("applied", "parked")
    PARTS = ("sweep", "handover", "watch", "scheduler")

    def __init__(self, registry: CollectorRegistry) -> None:
        self._finished = Counter(
            "unkey_sync_events_finished_total",
            "Events by how their work ended",
            ["source", "outcome"],
            registry=registry,
        )
        self._lag = Histogram(
            "unkey_sync_sync_lag_seconds",
            "From the event's own time until it was applied",
            ["source"],
            buckets=LAG_BUCKETS,
            registry=registry,
        )
        self._paused = Gauge(
            "unkey_sync_source_paused",
            "1 while a source's API refuses or does not answer",
            ["source"],
            registry=registry,
        )
        self._defects = Counter(
            "unkey_sync_defects_total",
            "Rounds of a thread that ended in an error of our own",
            ["part"],
            registry=registry,
        )
        for part in self.PARTS:
            self._defects.labels(part)

    def finished(self, source: str, outcome: str, count: int = 1) -> None:
        self._finished.labels(source, outcome).inc(count)

    def lag(self, source: str, *seconds: float) -> None:
        histogram = self._lag.labels(source)
        for one in seconds:
            histogram.observe(max(0.0, one))

    def defect(self, part: str) -> None:
        self._defects.labels(part).inc()

    def source_paused(self, source: str, paused: bool) -> None:
        self._paused.labels(source).set(paused)


class UpstreamMetrics:
    """What the Unkey client counts.

    `operation` is Unkey's own name, `code_class` is 2xx, 4xx, 5xx or none.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "unkey_sync_upstream_requests_total",
            "Calls to Unkey",
            ["operation", "code_class"],
            registry=registry,
        )
        self._duration = Histogram(
            "unkey_sync_upstream_request_duration_seconds",
            "Duration of calls to Unkey",
            ["operation"],
            buckets=CALL_BUCKETS,
            registry=registry,
        )
        self._unknown = Counter(
            "unkey_sync_upstream_unknown_outcomes_total",
            "Calls to Unkey of which nobody knows whether they had their effect",
            ["operation"],
            registry=registry,
        )
        self._throttled = Counter(
            "unkey_sync_upstream_throttled_seconds_total",
            "Pauses that Unkey asked for",
            ["operation"],
            registry=registry,
        )
        self._open = Gauge(
            "unkey_sync_circuit_open", "1 while calls to Unkey are held back", ["upstream"], registry=registry
        )

    def called(self, operation: str, status: int | None, seconds: float) -> None:
        """One attempt. `status`: the HTTP status, or None when no answer came."""
        code_class = f"{status // 100}xx" if status else "none"
        self._requests.labels(operation, code_class).inc()
        self._duration.labels(operation).observe(seconds)

    def unknown(self, operation: str) -> None:
        self._unknown.labels(operation).inc()

    def throttled(self, operation: str, seconds: float) -> None:
        self._throttled.labels(operation).inc(seconds)

    def follow_circuit(self, is_open: Callable[[], bool]) -> None:
        """Asked at every scrape; must not wait for anybody."""
        self._open.labels("unkey").set_function(is_open)


class Metrics:
    """The registry and its groups; one per process, handed to whoever counts."""

    def __init__(self, version: str, role: str) -> None:
        self.registry = CollectorRegistry()
        self.receiver = ReceiverMetrics(self.registry)
        self.engine = EngineMetrics(self.registry)
        self.upstream = UpstreamMetrics(self.registry)
        build = Gauge(
            "unkey_sync_build_info", "Always 1", ["version", "python", "role"], registry=self.registry
        )
        build.labels(version, platform.python_version(), role).set(1)

    def register(self, collector: Collector) -> None:
        """Add a collector that is read at scrape time."""
        self.registry.register(collector)

    def render(self) -> tuple[bytes, str]:
        """The exposition text and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
