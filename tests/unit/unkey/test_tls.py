"""TLS through the lanes: a wrong certificate is a visible cause, and surely nothing was sent."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from unkey_sync.clock import SystemClock
from unkey_sync.errors import Retry, Unknown
from unkey_sync.unkey import LaneTransport, NewKey

from tests.unit.unkey.parts import client

if TYPE_CHECKING:
    from pathlib import Path

ANSWER = b'{"meta":{},"data":{"keyId":"key_1","key":"k"}}'


def certificate(folder: Path, ends: datetime) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "unkey.test")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(ends - timedelta(days=9)).not_valid_after(ends)
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


class TlsServer:
    """Answers one request, if the client accepts its certificate."""

    def __init__(self, pem: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        try:
            with self._context.wrap_socket(connection, server_side=True) as stream:
                received = stream.recv(65536)
                while not received.endswith(b"}"):
                    received += stream.recv(65536)
                self.requests += 1
                stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER))
        except OSError:
            connection.close()


def create_over(server: TlsServer, trusted: ssl.SSLContext) -> str:
    clock = SystemClock()
    lanes = LaneTransport(clock, context=trusted)
    try:
        unkey = client(lanes, clock=clock, base_url=server.url, attempts=1)
        return unkey.keys.create(NewKey(external_id="user_1")).key_id
    finally:
        lanes.close()


def test_a_call_reaches_a_trusted_server(tmp_path: Path) -> None:
    pem = certificate(tmp_path, datetime.now(UTC) + timedelta(days=1))
    server = TlsServer(pem)

    key_id = create_over(server, ssl.create_default_context(cafile=pem))

    server.close()
    assert key_id == "key_1"


@pytest.mark.parametrize(
    ("ends_in", "trusted", "cause"),
    [(timedelta(days=-1), True, "expired"), (timedelta(days=1), False, "self-signed")],
)
def test_a_wrong_certificate_is_named_and_nothing_is_sent(
    tmp_path: Path, ends_in: timedelta, trusted: bool, cause: str
) -> None:
    pem = certificate(tmp_path, datetime.now(UTC) + ends_in)
    server = TlsServer(pem)
    context = ssl.create_default_context(cafile=pem if trusted else None)

    with pytest.raises(Retry, match=cause) as caught:
        create_over(server, context)

    server.close()
    assert not isinstance(caught.value, Unknown)
    assert server.requests == 0
