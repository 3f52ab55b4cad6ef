"""The gate: what all calls to Unkey share. A pause asked for by a 429, the reserve, the circuit breaker.

`LocalGate` is shared by the threads of one process; redis_gate.py shares it between processes. A 429 never
counts as a failure of anybody.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from unkey_sync.errors import RetryAt
from unkey_sync.unkey.budget import Budget, Priority, Reserve, Window, read_window
from unkey_sync.unkey.circuit import Circuit, CircuitRules, CircuitState, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync.clock import Clock

PAUSED = "Unkey asked for a pause."
RESERVED = "The rest of Unkey's rate limit is left to your own traffic."
OPEN = {
    Failure.SERVER: "Unkey does not answer; one call at a time asks whether it is back.",
    Failure.AUTH: "Unkey refuses our root key, workspace or API; one call at a time asks whether it works.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateState:
    """For `status`. `limit` and `remaining` are None while Unkey names no limit."""

    circuit: CircuitState
    cause: Failure | None
    paused_s: float
    limit: int | None
    remaining: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    circuit: CircuitRules = field(default_factory=CircuitRules)
    reserve: Reserve = field(default_factory=Reserve)


class Gate(Protocol):
    """Thread-safe.

    Every `enter` that returns is followed by exactly one `succeeded` or `failed` of that thread.
    """

    def enter(self, priority: Priority) -> None:
        """Returns when a call may go out now. Raises `RetryAt`."""

    def observed(self, headers: Mapping[str, str]) -> None:
        """An answer's headers, names in lower case."""

    def paused(self, seconds: float) -> None:
        """Unkey asked everybody to wait."""

    def succeeded(self) -> None: ...

    def failed(self, kind: Failure) -> None: ...

    def state(self) -> GateState: ...

    def cause(self) -> Failure | None:
        """Why the circuit is open, as far as this process knows; None while it is closed. Asks nobody."""


class LocalGate:
    def __init__(self, clock: Clock, rules: GateRules | None = None) -> None:
        rules = rules or GateRules()
        self._clock = clock
        self._lock = threading.Lock()
        self._circuit = Circuit(rules.circuit)
        self._budget = Budget(rules.reserve)
        self._paused_until = 0.0

    def enter(self, priority: Priority) -> None:
        self.admit(priority)

    def admit(self, priority: Priority) -> Failure | None:
        """As `enter`; tells why the circuit is open if the call that may go out is its probe."""
        with self._lock:
            now = self._clock.monotonic()
            self._refuse(self._paused_until - now, PAUSED)
            self._refuse(self._budget.wait_s(priority, now), RESERVED)
            self._refuse(self._circuit.wait_s(now), OPEN.get(self._circuit.cause or Failure.OURS, ""))
            self._circuit.start(threading.get_ident(), now)
            self._budget.spend()
            return self._circuit.cause

    def observed(self, headers: Mapping[str, str]) -> None:
        window = read_window(headers)
        if window is not None:
            self.observed_window(window)

    def observed_window(self, window: Window) -> None:
        with self._lock:
            self._budget.observed(window, self._clock.monotonic())

    def paused(self, seconds: float) -> None:
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def succeeded(self) -> None:
        with self._lock:
            self._circuit.succeeded(threading.get_ident())

    def failed(self, kind: Failure) -> None:
        with self._lock:
            self._circuit.failed(kind, threading.get_ident(), self._clock.monotonic())

    def state(self) -> GateState:
        with self._lock:
            now = self._clock.monotonic()
            window = self._budget.window(now)
            return GateState(
                circuit=self._circuit.state(),
                cause=self._circuit.cause,
                paused_s=max(0.0, self._paused_until - now),
                limit=window.limit if window else None,
                remaining=window.remaining if window else None,
            )

    def window(self) -> Window | None:
        """What is left of the rate limit, as far as this process knows."""
        with self._lock:
            return self._budget.window(self._clock.monotonic())

    def cause(self) -> Failure | None:
        """Why the circuit is open; None while it is closed."""
        with self._lock:
            return self._circuit.cause

    def probe_interval_s(self) -> float:
        with self._lock:
            return self._circuit.interval_s()

    def adopt_circuit(self, cause: Failure | None) -> None:
        """Another process opened (or, with None, closed) the circuit. An open one is left as it is."""
        with self._lock:
            if cause is None:
                self._circuit.close()
            elif self._circuit.cause is None:
                self._circuit.open(cause, self._clock.monotonic())

    def put_off_probe(self, seconds: float) -> None:
        """Another process is probing; this one looks again in `seconds`."""
        with self._lock:
            self._circuit.put_off(self._clock.monotonic(), seconds)

    def _refuse(self, wait_s: float, why: str) -> None:
        if wait_s > 0:
            raise RetryAt(why, after_s=wait_s)
