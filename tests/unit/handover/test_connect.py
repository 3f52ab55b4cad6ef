"""What a name leads to is decided once, and before anything is connected."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from unkey_sync.clock import FakeClock, SystemClock
from unkey_sync.errors import Retry
from unkey_sync.handover.connect import GuardedTransport, resolve
from unkey_sync.handover.message import Message
from unkey_sync.handover.post import Post
from unkey_sync.handover.target import Reach, Refused, check_target

if TYPE_CHECKING:
    from pathlib import Path

Look = Callable[[str, int, float | None], list[str]]
MESSAGE = Message({"webhook-id": "hov_1"}, b'{"type":"key.issued"}')
DEV = Reach(allow_loopback=True)
OK = b"HTTP/1.1 204 No Content\r\n\r\n"


class Trap:
    """A listener on this machine that counts who connects, and answers with these bytes."""

    def __init__(self, answer: bytes = OK, tls: Path | None = None) -> None:
        self._answer = answer
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        if self._tls and tls:
            self._tls.load_cert_chain(tls)
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
            with connection, contextlib.suppress(OSError):
                self._answer_one(connection)

    def _answer_one(self, connection: socket.socket) -> None:
        stream = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
        with stream:
            received = b""
            while not received.endswith(MESSAGE.body):
                if not (chunk := stream.recv(65536)):
                    return
                received += chunk
            self.received.append(received)
            stream.sendall(self._answer)


def sender(url: str, reach: Reach, look_up: Look = resolve, context: ssl.SSLContext | None = None) -> Post:
    clock = SystemClock()
    target = check_target(url, reach)

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


class HurryingClock(FakeClock):
    """Four seconds pass whenever somebody looks."""

    def monotonic(self) -> float:
        self.advance(4)
        return super().monotonic()


def test_an_answer_that_takes_too_long_in_all_is_given_up() -> None:
    with Trap() as trap:
        clock = HurryingClock()
        target = check_target(f"http://127.0.0.1:{trap.port}/", DEV)
        post = Post(target, lambda: GuardedTransport(DEV, clock, secure=False), clock)

        with pytest.raises(Retry, match="Timeout"):
            post(MESSAGE)


def test_the_certificate_must_be_for_the_name_although_an_address_is_connected_to(tmp_path: Path) -> None:
    pem = certificate(tmp_path, "keys.example")
    trusted = ssl.create_default_context(cafile=pem)

    with Trap(tls=pem) as trap:
        at_home: Look = lambda *_: ["127.0.0.1"]  # noqa: E731  -- a resolver in one line
        sender(f"https://keys.example:{trap.port}/", DEV, at_home, trusted)(MESSAGE)
        with pytest.raises(Retry, match="ConnectError"):
            sender(f"https://other.example:{trap.port}/", DEV, at_home, trusted)(MESSAGE)

    assert [MESSAGE.body in received for received in trap.received] == [True]


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate for a name and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    now = datetime.now(UTC)
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_the_system_finds_this_machine_and_not_what_does_not_exist() -> None:
    assert "127.0.0.1" in resolve("localhost", 443, 5.0)
    assert resolve("a" * 64 + ".invalid", 443, 5.0) == []
