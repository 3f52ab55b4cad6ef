"""A load generator, in a process of its own: keep-alive connections over raw sockets.

Reads one JSON line per run: `port`, `count`, `name`, and either nothing (every connection sends as soon as it has
its answer) or `rate` (requests are due at fixed times, and a late one counts from when it was due).
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from collections import deque
from dataclasses import dataclass, field
from typing import Any, cast

import uvloop
from unkey_sync.clock import SystemClock

from tests.bench.deliveries import Deliveries

CONNECTIONS = 64
_TICK_S = 0.001


@dataclass(slots=True)
class Run:
    """One run. `due`: per request, when it was due; latencies in seconds."""

    requests: deque[bytes]
    rate: float | None
    statuses: dict[str, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    idle: deque[Connection] = field(default_factory=deque)
    """First in, first out: a server closes connections that rest too long."""
    open: int = 0
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    def answered(self, connection: Connection, status: str, latency: float) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.latencies.append(latency)
        self.open -= 1
        if self.rate is None and self.requests:
            self.send(connection, asyncio.get_running_loop().time())
        else:
            self.idle.append(connection)
        if not self.requests and not self.open:
            self.finished.set()

    def send(self, connection: Connection, due: float) -> None:
        self.open += 1
        connection.send(self.requests.popleft(), due)


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._due = 0.0
        self._answer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class

    def send(self, request: bytes, due: float) -> None:
        assert self._transport is not None
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, blank, body = self._answer.partition(b"\r\n\r\n")
        if not blank or len(body) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]):
            return
        self._answer = b""
        latency = asyncio.get_running_loop().time() - self._due
        self._run.answered(self, head[9:12].decode(), latency)

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()


async def run(order: dict[str, Any]) -> dict[str, Any]:
    """Send everything; say how it went."""
    deliveries, now = Deliveries(f"127.0.0.1:{order['port']}"), SystemClock().now()
    name = order["name"]
    requests = deque(deliveries.request(n, f"{name}{n}", now) for n in range(order["count"]))
    state = Run(requests, order.get("rate"))
    loop = asyncio.get_running_loop()
    for _ in range(CONNECTIONS):
        _, connection = await loop.create_connection(lambda: Connection(state), "127.0.0.1", order["port"])
        state.idle.append(connection)
    started = loop.time()
    await (_at_rate(state) if state.rate else _at_full_speed(state))
    seconds = loop.time() - started
    for connection in state.idle:
        connection.close()
    return {"seconds": seconds, "statuses": state.statuses, **_spread(state.latencies)}


async def _at_full_speed(state: Run) -> None:
    now = asyncio.get_running_loop().time()
    while state.idle and state.requests:
        state.send(state.idle.popleft(), now)
    await state.finished.wait()


async def _at_rate(state: Run) -> None:
    assert state.rate is not None
    loop = asyncio.get_running_loop()
    started, sent = loop.time(), 0
    while state.requests:
        while state.requests and state.idle and started + sent / state.rate <= loop.time():
            state.send(state.idle.popleft(), started + sent / state.rate)
            sent += 1
        await _tick(loop)
    await state.finished.wait()


def _tick(loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
    future = loop.create_future()
    loop.call_later(_TICK_S, future.set_result, None)
    return future


def _spread(latencies: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(latencies, n=100)
    return {"p50_ms": cuts[49] * 1000, "p99_ms": cuts[98] * 1000}


def main() -> None:
    print(json.dumps({"event": "ready"}), flush=True)
    for line in sys.stdin:
        print(json.dumps(uvloop.run(run(json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
