"""Sockets that keep a total deadline: however slowly the other side drips, a read ends when the time is over.

Only the byte stream is wrapped; HTTP stays with httpcore. Looking a name up cannot be interrupted and is not
covered.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import httpcore

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

    from unkey_sync.clock import Clock


class Deadline:
    """The instant (monotonic seconds) at which whatever runs on one lane must be over."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._at = math.inf

    def set(self, at: float | None) -> None:
        self._at = math.inf if at is None else at

    def clip(self, timeout: float | None, late: type[Exception]) -> float | None:
        """`timeout` or what is left, whichever is less. Raises `late` when nothing is left."""
        if self._at == math.inf:
            return timeout
        left = self._at - self._clock.monotonic()
        if left <= 0:
            raise late("the call's deadline is over")
        return left if timeout is None else min(timeout, left)


class DeadlineBackend(httpcore.NetworkBackend):
    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        timeout = self._deadline.clip(timeout, httpcore.ConnectTimeout)
        stream = self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        return DeadlineStream(stream, self._deadline)


class DeadlineStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.clip(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.clip(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        timeout = self._deadline.clip(timeout, httpcore.ConnectTimeout)
        return DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
