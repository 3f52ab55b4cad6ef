"""A server of raw sockets that misbehaves as told, one behaviour per request, the last one for ever."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

Behaviour = Callable[[socket.socket], bool]
"""Does something to the connection after a request came in; True to read the next request from it."""


class FaultServer:
    def __init__(self, *behaviours: Behaviour) -> None:
        self._behaviours = list(behaviours)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._lock = threading.Lock()
        self.requests = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while _read_request(connection) and self._next()(connection):
                pass

    def _next(self) -> Behaviour:
        with self._lock:
            self.requests += 1
            return self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]


def _read_request(connection: socket.socket) -> bool:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            return False
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return True


def answer(body: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None) -> Behaviour:
    """A whole answer with the connection kept; `length` lies about the body's."""
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n{headers}\r\n"

    def behave(connection: socket.socket) -> bool:
        connection.sendall(head.encode() + body)
        return size == len(body)

    return behave


def raw(data: bytes) -> Behaviour:
    """These bytes, then the end of the connection."""

    def behave(connection: socket.socket) -> bool:
        connection.sendall(data)
        return False

    return behave


def finish(_connection: socket.socket) -> bool:
    """FIN without an answer."""
    return False


def reset(connection: socket.socket) -> bool:
    """RST: the answer is lost, the effect is not."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def drip(head: bytes, pause_s: float = 0.02) -> Behaviour:
    """`head` at once, then a blank every now and then, for ever."""

    def behave(connection: socket.socket) -> bool:
        connection.sendall(head)
        while not threading.Event().wait(pause_s):
            connection.sendall(b" ")
        return False

    return behave
