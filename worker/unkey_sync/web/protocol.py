"""Slow and greedy clients are cut here, on top of uvicorn, which has no read deadline and no header limit.

One reaper per server looks at all connections twice a second, so a request costs no timer of its own. This
protects one process; a proxy in front is still good advice.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from unkey_sync.web.reply import HEADERS_TOO_LARGE, OLD_HTTP, OVERLOADED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from uvicorn.server import ServerState

REAP_S = 0.25
_TIMED_OUT = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client may take.

    `read_s`: from the first byte (or the connection) to the last byte of a request. `answer_s`: from there
    until
    the client has taken the answer. `idle_s`: between requests. `head_bytes`: request line and headers.
    `connections`: all clients together.
    """

    read_s: float = 5.0
    answer_s: float = 30.0
    idle_s: int = 5
    head_bytes: int = 64 * 1024
    connections: int = 4096


class GuardedConfig(uvicorn.Config):
    """uvicorn's configuration with our limits."""

    def __init__(self, app: Any, limits: Limits, drain_s: int) -> None:
        super().__init__(
            app,
            http=GuardedProtocol,
            ws="none",
            loop="uvloop",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=limits.idle_s,
            timeout_graceful_shutdown=drain_s,
        )
        self.limits = limits


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with deadlines, a header limit, and eviction of the slowest sender when full."""

    def __init__(
        self,
        config: GuardedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.waiting_since = math.inf
        """Since when, in loop time, it is the sender who owes us something; never, while we owe an answer."""
        self._limits = config.limits
        self._served_app = self.app
        self._cut_at = math.inf
        self._head_size: int | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        if len(self.connections) >= self._limits.connections:
            evict_slowest(self.connections)
        super().connection_made(transport)
        self._await_sender()

    def data_received(self, data: bytes) -> None:
        if self._cut_at == math.inf:  # the first bytes after a pause; later ones never extend the deadline
            self._await_sender()
        super().data_received(data)
        if self._head_size is not None and not self.transport.is_closing():
            self._head_size += len(data)
            if self._head_size > self._limits.head_bytes:
                self.send_400_response("Headers too large.")

    def on_message_begin(self) -> None:
        self._head_size = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_size = None
        self.app = self._choose_app()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self.waiting_since = math.inf
        self._cut_at = self.loop.time() + self._limits.answer_s
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if not self.pipeline and not self.transport.is_closing():
            self.waiting_since = self.loop.time()
            self._cut_at = math.inf  # uvicorn's own keep-alive timeout takes over
        super().on_response_complete()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._cut_at = self.loop.time() + self._limits.answer_s  # the last answer may still be untaken

    def cut_if_late(self, now: float) -> None:
        """Close a connection that is past its deadline. `now` in loop time."""
        if now < self._cut_at:
            return
        if self.transport.is_closing() or self.waiting_since == math.inf:
            self.transport.abort()
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_TIMED_OUT)
        self.transport.close()

    def _await_sender(self) -> None:
        self.waiting_since = self.loop.time()
        self._cut_at = self.waiting_since + self._limits.read_s

    def _choose_app(self) -> Any:
        if self.parser.get_http_version() not in ("1.0", "1.1"):
            return OLD_HTTP.as_app()
        head = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if head > self._limits.head_bytes:
            return HEADERS_TOO_LARGE.as_app()
        if len(self.tasks) >= self._limits.connections:
            return OVERLOADED.as_app()
        return self._served_app


def evict_slowest(connections: Iterable[Any]) -> None:
    """Close the connection whose sender has kept us waiting longest; those we owe an answer are left alone."""
    slowest = min(connections, key=lambda one: one.waiting_since, default=None)
    if slowest is not None and slowest.waiting_since < math.inf:
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
