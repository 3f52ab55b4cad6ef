"""Slow and greedy clients are cut here, on top of uvicorn, which has no read deadline and no header limit.

One reaper per server looks at all connections twice a second, so a request costs no timer of its own. This
protects one process; a proxy in front is still good advice.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from unkey_sync.web.reply import HEADERS_TOO_LARGE, OVERLOADED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from uvicorn.config import Config
    from uvicorn.server import ServerState

READ_S = 5.0
"""From the first byte (or the connection) to the last byte of a request."""
ANSWER_S = 30.0
"""From the last byte of a request until the client has taken the answer."""
REAP_S = 0.5
HEAD_LIMIT = 64 * 1024
"""Bytes of request line and headers."""
_TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with deadlines, a header limit, and eviction of the longest-waiting sender when
    full.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # Connections are limited by eviction here; uvicorn's own limit would refuse the healthy newcomer.
        self.limit_concurrency = None
        self._limit = config.limit_concurrency or math.inf
        self._served_app = self.app
        self._deadline = math.inf
        self._reading = True
        self._head_size = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        if len(self.connections) >= self._limit:
            evict_slowest(self.connections)
        super().connection_made(transport)
        self._deadline = self.loop.time() + READ_S

    def data_received(self, data: bytes) -> None:
        if self._deadline == math.inf:  # first bytes after a pause: later ones never extend it
            self._begin_reading()
        super().data_received(data)
        if self._head_size >= 0:
            self._head_size += len(data)
            if self._head_size > HEAD_LIMIT and not self.transport.is_closing():
                self.send_400_response("Headers too large.")

    def on_message_begin(self) -> None:
        self._head_size = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_size = -1
        self.app = self._choose_app()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._reading = False
        self._deadline = self.loop.time() + ANSWER_S
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if self.pipeline:
            self._begin_reading()
        else:
            self._deadline = math.inf
        super().on_response_complete()

    def waiting_since(self) -> float:
        """When this sender began to keep us waiting, in loop time; never, if it is we who owe an answer."""
        return self._deadline if self._reading else math.inf

    def cut_if_late(self, now: float) -> None:
        """Close a connection that is past its deadline. `now` in loop time."""
        if now < self._deadline or self.transport.is_closing():
            return
        if not self._reading:
            self.transport.abort()
            return
        if self.cycle is None or not self.cycle.response_started:
            self.transport.write(_TIMED_OUT)
        self.transport.close()

    def _begin_reading(self) -> None:
        self._reading = True
        self._deadline = self.loop.time() + READ_S

    def _choose_app(self) -> Any:
        if sum(len(name) + len(value) for name, value in self.headers) + len(self.url) > HEAD_LIMIT:
            return _always(HEADERS_TOO_LARGE)
        if len(self.tasks) >= self._limit:
            return _always(OVERLOADED)
        return self._served_app


def evict_slowest(connections: Iterable[Any]) -> None:
    """Close the connection whose sender has kept us waiting longest; busy ones are left alone."""
    slowest = min(connections, key=GuardedProtocol.waiting_since, default=None)
    if slowest is not None and slowest.waiting_since() < math.inf:
        slowest.transport.abort()


async def reap(state: ServerState) -> None:
    """Cut late connections until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(REAP_S)
        now = loop.time()
        for connection in tuple(state.connections):
            if isinstance(connection, GuardedProtocol):
                connection.cut_if_late(now)


def _always(answer: Any) -> Any:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await answer.send(send)

    return app
