"""Parts for the client's tests: a client over any transport, envelopes, a gate that takes notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from unkey_sync.clock import Clock, FakeClock
from unkey_sync.unkey import (
    CircuitState,
    Failure,
    Gate,
    GateState,
    Priority,
    SecretText,
    UnkeyClient,
    UnkeyConfig,
)
from unkey_sync.unkey.meter import Instruments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ROOT_KEY = "unkey_canary_root_key"
TYPE = "https://unkey.com/docs/errors/"


def config(**changes: Any) -> UnkeyConfig:
    wanted = {"root_key": SecretText(ROOT_KEY), "api_id": "api_12345678", "backoff_s": 0.01, **changes}
    return UnkeyConfig(**wanted)


def client(
    transport: httpx.BaseTransport, *, gate: Gate | None = None, clock: Clock | None = None, **changes: Any
) -> UnkeyClient:
    clock = clock or FakeClock()
    return UnkeyClient(
        config(**changes), transport, gate or SpyGate(), clock, instruments=Instruments(jitter=lambda: 0.5)
    )


def success(data: object = None, **more: Any) -> httpx.Response:
    envelope: dict[str, Any] = {"meta": {"requestId": "req_abc123XYZ"}, **more}
    return httpx.Response(200, json=envelope if data is None else {**envelope, "data": data})


def failure(
    status: int, suffix: str, headers: Mapping[str, str] | None = None, **more: Any
) -> httpx.Response:
    error = {"title": "T", "detail": "secret detail", "status": status, "type": TYPE + suffix, **more}
    body = {"meta": {"requestId": "req_abc123XYZ"}, "error": error}
    return httpx.Response(status, json=body, headers=headers)


@dataclass
class Script(httpx.BaseTransport):
    """Answers with the next step; the last one for ever. A step is a response, or an exception to raise."""

    steps: Iterable[httpx.Response | Exception | Callable[[], httpx.Response]]
    requests: list[httpx.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._left = list(self.steps)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        step = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, httpx.Response) else step()


@dataclass
class SpyGate:
    """Lets everything through and writes down what it is told."""

    told: list[object] = field(default_factory=list)

    def enter(self, priority: Priority) -> None:
        self.told.append(priority)

    def observed(self, headers: Mapping[str, str]) -> None:
        pass

    def paused(self, seconds: float) -> None:
        self.told.append(("paused", seconds))

    def succeeded(self) -> None:
        self.told.append("succeeded")

    def failed(self, kind: Failure) -> None:
        self.told.append(kind)

    def cause(self) -> Failure | None:
        return None

    def state(self) -> GateState:
        return GateState(circuit=CircuitState.CLOSED, cause=None, paused_s=0, limit=None, remaining=None)
