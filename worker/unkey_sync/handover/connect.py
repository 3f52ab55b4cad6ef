"""An httpx transport that looks a name up once, checks every address it leads to, and connects to that address.

TLS and the Host header keep the name. It follows no redirect, keeps no connection, and honours a total deadline.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from typing import TYPE_CHECKING

import httpcore
import httpx

from unkey_sync.errors import Retry
from unkey_sync.handover.addresses import to_address
from unkey_sync.unkey.wire import Deadline, DeadlineStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from unkey_sync.clock import Clock
    from unkey_sync.handover.target import Reach

    Resolve = Callable[[str, int, float | None], list[str]]
    """Name, port and seconds to wait -> addresses as text. Raises Retry."""


def resolve(host: str, port: int, timeout_s: float | None) -> list[str]:
    """Ask the system, in a thread of its own: a look-up cannot be interrupted, only left alone."""
    answers: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
    threading.Thread(target=lambda: answers.put(_look_up(host, port)), name="resolve", daemon=True).start()
    try:
        return answers.get(timeout=timeout_s)
    except queue.Empty:
        raise Retry("the name of the hand-over URL was not looked up in time") from None


def _look_up(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(address[0]) for *_, address in found]


class GuardedBackend(httpcore.NetworkBackend):
    """The one place where a connection is opened. `secure`: TLS will follow."""

    def __init__(self, reach: Reach, deadline: Deadline, look_up: Resolve, *, secure: bool) -> None:
        self._reach = reach
        self._deadline = deadline
        self._look_up = look_up
        self._secure = secure
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Raises Refused when an address is not allowed, before anything is connected."""
        if to_address(host) is not None:
            found = [host]
        else:
            found = self._look_up(host, port, self._deadline.clip(timeout, httpcore.ConnectTimeout))
        addresses = [one for one in map(to_address, found) if one is not None]
        address = self._reach.choose(addresses if len(addresses) == len(found) else [], secure=self._secure)
        timeout = self._deadline.clip(timeout, httpcore.ConnectTimeout)
        stream = self._inner.connect_tcp(str(address), port, timeout, local_address, socket_options)
        return DeadlineStream(stream, self._deadline)


class GuardedTransport(httpx.HTTPTransport):
    """For one request. `request.extensions["deadline"]`: monotonic seconds by which all must be over.

    The pool is made here because httpx offers no way to hand in the network underneath.
    """

    def __init__(
        self,
        reach: Reach,
        clock: Clock,
        *,
        secure: bool,
        look_up: Resolve = resolve,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._deadline = Deadline(clock)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context or ssl.create_default_context(),
            max_connections=1,
            max_keepalive_connections=0,
            network_backend=GuardedBackend(reach, self._deadline, look_up, secure=secure),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._deadline.set(request.extensions.get("deadline"))
        return super().handle_request(request)
