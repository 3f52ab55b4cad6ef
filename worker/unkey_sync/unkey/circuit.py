"""The circuit breaker: when Unkey fails for everybody, one call at a time asks whether it is back.

A plain state machine; its owner locks. It knows no clock: `now` is monotonic seconds, handed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Failure(StrEnum):
    SERVER = "server"
    """5xx, no connection, no usable answer."""
    AUTH = "auth"
    """The root key, workspace or API is refused: nobody's call can work."""
    OURS = "ours"
    """The call ended in a way that says nothing about Unkey (refused body, no free connection)."""


class CircuitState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """A probe is under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitRules:
    """`failures`: consecutive server failures that open it. Intervals: between the starts of two probes."""

    failures: int = 10
    server_probe_s: float = 1.0
    auth_probe_s: float = 10.0
    probe_lease_s: float = 30.0
    """A probe that has not reported for so long is taken for dead."""


class Circuit:
    """While it is open only the probe's outcome counts: late answers of earlier calls change nothing.

    `who` is the caller's thread; calls are synchronous, so a thread has at most one under way.
    """

    def __init__(self, rules: CircuitRules) -> None:
        self._rules = rules
        self._failures = 0
        self._probe: int | None = None
        self._probe_at = 0.0
        self._lease_until = 0.0
        self.cause: Failure | None = None
        """Why it is open; None while closed."""

    def state(self) -> CircuitState:
        if self.cause is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if self._probe is None else CircuitState.HALF_OPEN

    def interval_s(self) -> float:
        return self._rules.auth_probe_s if self.cause is Failure.AUTH else self._rules.server_probe_s

    def wait_s(self, now: float) -> float:
        """Seconds until a call may go out; 0 while closed or when the next probe is due."""
        if self.cause is None:
            return 0.0
        if self._probe is None:
            return max(0.0, self._probe_at - now)
        left_s = max(0.0, self._lease_until - now, self._probe_at - now)
        # The probe will have reported long before its lease ends: nobody is sent away for longer than an interval.
        return min(left_s, self.interval_s())

    def start(self, who: int, now: float) -> None:
        """The caller goes out; while open, it is the probe."""
        if self.cause is None:
            return
        self._probe = who
        self._probe_at = now + self.interval_s()
        self._lease_until = now + self._rules.probe_lease_s

    def put_off(self, now: float, seconds: float) -> None:
        """Somebody else probes: look again in `seconds`."""
        self._probe = None
        self._probe_at = now + seconds

    def succeeded(self, who: int) -> None:
        if self.cause is None or self._probe == who:
            self.close()

    def failed(self, kind: Failure, who: int, now: float) -> None:
        if self.cause is not None:
            self._probe_failed(kind, who)
            return
        if kind is Failure.OURS:
            return
        self._failures += 1
        if kind is Failure.AUTH or self._failures >= self._rules.failures:
            self.open(kind, now)

    def open(self, kind: Failure, now: float) -> None:
        self.cause = kind
        self._probe = None
        self._probe_at = now + self.interval_s()

    def close(self) -> None:
        self.cause = None
        self._probe = None
        self._failures = 0

    def _probe_failed(self, kind: Failure, who: int) -> None:
        if self._probe != who:
            return
        self._probe = None
        if kind is not Failure.OURS:
            self.cause = kind
