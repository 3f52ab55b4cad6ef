"""What a name leads to is decided once, and before anything is connected."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import TYPE_CHECKING, Self

import httpx
import pytest
from unkey_sync.clock import SystemClock
from unkey_sync.errors import Retry
from unkey_sync.handover.connect import GuardedTransport, resolve
from unkey_sync.handover.message import Message
from unkey_sync.handover.post import Post
from unkey_sync.handover.target import Reach, Refused, check_target

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGE = Message({"webhook-id": "hov_1"}, b'{"type":"key.issued"}')
DEV = Reach(allow_loopback=True)
OK = b"HTTP/1.1 204 No Content\r\n\r\n"


class Trap:
    """A listener on this machine that counts who connects, and answers with these bytes."""

    def __init__(self, answer: bytes = OK) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.port = self._listener.getsockname()[1]
        self.received: list[bytes] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                received = connection.recv(65536)
                while not received.endswith(MESSAGE.body):
                    received += connection.recv(65536)
                self.received.append(received)
                connection.sendall(self._answer)


def sender(url: str, reach: Reach, look_up: Callable[..., list[str]] = resolve) -> Post:
    clock = SystemClock()
    target = check_target(url, reach)
    context = ssl.create_default_context()

    def make() -> httpx.BaseTransport:
        return GuardedTransport(reach, clock, secure=target.secure, look_up=look_up, context=context)

    return Post(target, make, clock)


@pytest.mark.parametrize(
    "inside", ["127.0.0.1", "10.1.2.3", "::ffff:127.0.0.1", "169.254.169.254", "nonsense"]
)
def test_a_name_that_leads_inside_is_not_connected_to(inside: str) -> None:
    with Trap() as trap:
        post = sender(
            f"https://evil.example:{trap.port}/", Reach(frozenset({trap.port})), lambda *_: [inside]
        )

        with pytest.raises(Refused):
            post(MESSAGE)

    assert trap.received == []


def test_a_name_is_looked_up_once_so_a_second_answer_cannot_lead_elsewhere() -> None:
    asked: list[str] = []

    def rebind(host: str, _port: int, _timeout_s: float | None) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    with Trap() as trap:
        sender(f"http://evil.example:{trap.port}/", DEV, rebind)(MESSAGE)

    assert asked == ["evil.example"]
    assert f"Host: evil.example:{trap.port}".encode() in trap.received[0]


def test_a_redirect_is_a_failure_and_is_not_followed() -> None:
    with Trap() as goal:
        location = f"http://127.0.0.1:{goal.port}/".encode()
        moved = b"HTTP/1.1 307 Moved\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
        with Trap(moved) as trap, pytest.raises(Retry, match="answered 307"):
            sender(f"http://127.0.0.1:{trap.port}/", DEV)(MESSAGE)

    assert len(trap.received) == 1
    assert goal.received == []


def test_an_endless_answer_is_not_read() -> None:
    with Trap(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\nx") as trap:
        sender(f"http://127.0.0.1:{trap.port}/", DEV)(MESSAGE)

    assert MESSAGE.body in trap.received[0]


def test_an_error_tells_neither_the_url_nor_the_message() -> None:
    with Trap(b"not http at all\r\n\r\n") as trap, pytest.raises(Retry) as failed:
        sender(f"http://127.0.0.1:{trap.port}/?token=hush", DEV)(MESSAGE)

    assert "hush" not in str(failed.value)
    assert failed.value.__cause__ is None


def test_the_system_finds_this_machine_and_not_what_does_not_exist() -> None:
    assert "127.0.0.1" in resolve("localhost", 443, 5.0)
    assert resolve("a" * 64 + ".invalid", 443, 5.0) == []
