"""An httpx transport made of single-connection lanes, taken last in, first out.

httpcore scans every connection of a pool at each checkout, so one pool under many threads costs the square of
their number. A stack of one-connection pools does not. It makes no decision about retries.
"""

from __future__ import annotations

import ssl
import threading
from collections import deque
from typing import TYPE_CHECKING, cast

import httpcore
import httpx

from unkey_sync.unkey.wire import Deadline, DeadlineBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from unkey_sync.clock import Clock

KEEPALIVE_S = 5.0
"""Unkey closes an idle connection after 10 s.

We leave well before, so that it rarely closes under a request.
"""


class LaneTransport(httpx.BaseTransport):
    """Thread-safe. `request.extensions`: `timeout` as in httpx, `deadline` in monotonic seconds for the
    whole call.

    Lanes are opened on demand, at most `max_lanes`. Raises `httpx.PoolTimeout` when none is free in time.
    """

    def __init__(self, clock: Clock, *, max_lanes: int = 64, context: ssl.SSLContext | None = None) -> None:
        self._clock = clock
        self._context = context or ssl.create_default_context()
        self._free = threading.BoundedSemaphore(max_lanes)
        self._idle: deque[Lane] = deque()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not self._free.acquire(timeout=_pool_timeout(request)):
            raise httpx.PoolTimeout("every connection to Unkey is in use", request=request)
        lane = self._take()
        try:
            response = lane.handle_request(request)
        except BaseException:
            self._give_back(lane)
            raise
        stream = cast("httpx.SyncByteStream", response.stream)
        response.stream = _LaneStream(stream, lambda: self._give_back(lane))
        return response

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> Lane:
        try:
            return self._idle.pop()
        except IndexError:
            return Lane(self._clock, self._context)

    def _give_back(self, lane: Lane) -> None:
        self._idle.append(lane)
        self._free.release()


class Lane(httpx.HTTPTransport):
    """One connection. The pool is made here because httpx offers no way to hand in the network underneath."""

    def __init__(self, clock: Clock, context: ssl.SSLContext) -> None:
        self._deadline = Deadline(clock)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=1,
            max_keepalive_connections=1,
            keepalive_expiry=KEEPALIVE_S,
            network_backend=DeadlineBackend(self._deadline),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._deadline.set(request.extensions.get("deadline"))
        return super().handle_request(request)


class _LaneStream(httpx.SyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream, give_back: Callable[[], None]) -> None:
        self._inner = inner
        self._give_back: Callable[[], None] | None = give_back

    def __iter__(self) -> Iterator[bytes]:
        yield from self._inner

    def close(self) -> None:
        give_back, self._give_back = self._give_back, None
        if give_back is None:
            return
        try:
            self._inner.close()
        finally:
            give_back()


def _pool_timeout(request: httpx.Request) -> float | None:
    timeout: float | None = request.extensions.get("timeout", {}).get("pool")
    return timeout
