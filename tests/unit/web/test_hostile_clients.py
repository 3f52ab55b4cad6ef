"""Raw sockets against a running receiver: silent, dripping, greedy and desynchronising clients are cut."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from unkey_sync.clock import SystemClock
from unkey_sync.telemetry.metrics import Metrics
from unkey_sync.web.app import ReceiverApp, create_pages
from unkey_sync.web.group_commit import GroupCommit
from unkey_sync.web.health import health_routes
from unkey_sync.web.hooks import HookParts, Hooks
from unkey_sync.web.protocol import Limits
from unkey_sync.web.serve import Listen, Server, bind

from tests.unit.web.support import MemoryInbox, toy

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMITS = Limits(read_s=0.4, answer_s=0.6, idle_s=1, connections=40)
PATIENCE_S = 5.0


@dataclass
class Running:
    port: int
    inbox: MemoryInbox

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def exchange(self, data: bytes) -> bytes:
        with self.connect() as client:
            with contextlib.suppress(ConnectionError):
                client.sendall(data)
            return read_until_closed(client)

    def healthy(self, number: int = 1) -> bytes:
        with self.connect() as client:
            client.sendall(signed_request(f"evt_{number}"))
            return client.recv(4096)


@pytest.fixture
def running() -> Iterator[Running]:
    inbox, metrics = MemoryInbox(), Metrics("0", "serve")
    store = GroupCommit(inbox.accept, lambda: None)
    parts = HookParts(connectors={"toy": toy()}, store=store, clock=SystemClock(), metrics=metrics.receiver)
    app = ReceiverApp(Hooks(parts), create_pages(health_routes(lambda: None, metrics)), store)
    listen, ready = Listen(port=0, limits=LIMITS, drain_s=1), threading.Event()
    listener = bind(listen)
    server = Server(app, listen, lambda url: ready.set())
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    assert ready.wait(10)
    yield Running(listener.getsockname()[1], inbox)
    server.should_exit = True
    thread.join(10)
    listener.close()
    assert not thread.is_alive()


def signed_request(event: str, extra: bytes = b"") -> bytes:
    body = json.dumps({"id": event, "type": "user.created", "user": "user_1"}).encode()
    headers = toy().sign(body, SystemClock().now())
    lines = b"".join(f"{name}: {value}\r\n".encode() for name, value in headers.items())
    head = b"POST /webhooks/toy HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    return head + extra + lines + b"content-length: %d\r\n\r\n" % len(body) + body


def read_until_closed(client: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionError):
        while chunk := client.recv(65536):
            received += chunk
    return received


def seconds_until_closed(client: socket.socket) -> float:
    started = time.monotonic()
    read_until_closed(client)
    return time.monotonic() - started


def drip(client: socket.socket, data: bytes) -> float:
    """Send a byte at a time, as fast as a tenth of the deadline allows, until the server hangs up."""
    started = time.monotonic()
    client.settimeout(0.04)
    with contextlib.suppress(ConnectionError):
        for byte in data:
            client.sendall(bytes([byte]))
            try:
                if client.recv(4096) == b"":
                    break
            except TimeoutError:
                continue
    return time.monotonic() - started


def send_until_answered(client: socket.socket, part: bytes, most: int) -> tuple[int, bytes]:
    """Send as good clients do: look for an answer in between."""
    sent = 0
    while sent < most:
        readable, writable, _ = select.select([client], [client], [], PATIENCE_S)
        if readable:
            return sent, client.recv(4096)
        if writable:
            sent += client.send(part)
    return sent, b""


def test_a_silent_client_is_cut_and_healthy_ones_are_served_meanwhile(running):
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(running.connect()) for _ in range(20)]

        answer = running.healthy()
        waits = [seconds_until_closed(client) for client in silent]

    assert answer.startswith(b"HTTP/1.1 200")
    assert max(waits) < 2


def test_a_header_drip_is_cut_at_the_deadline(running):
    with running.connect() as client:
        waited = drip(client, b"POST /webhooks/toy HTTP/1.1\r\nhost: " + b"x" * 500)

    assert waited < 2


def test_leading_blank_lines_do_not_extend_the_deadline(running):
    with running.connect() as client:
        waited = drip(client, b"\r\n" * 250)

    assert waited < 2


def test_a_body_drip_is_cut_at_the_deadline(running):
    with running.connect() as client:
        client.sendall(b"POST /webhooks/toy HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n")
        waited = drip(client, b"x" * 500)

    assert waited < 2
    assert running.healthy().startswith(b"HTTP/1.1 200")


def test_a_stalled_body_is_told_that_it_took_too_long(running):
    answer = running.exchange(b"POST /webhooks/toy HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\nabc")

    assert answer.startswith(b"HTTP/1.1 408")


def test_an_idle_connection_after_a_good_request_is_closed(running):
    with running.connect() as client:
        client.sendall(signed_request("evt_1"))
        waited = seconds_until_closed(client)

    assert waited < 3


def test_more_silent_clients_than_connections_do_not_lock_out_a_healthy_one(running):
    with contextlib.ExitStack() as stack:
        for _ in range(LIMITS.connections * 2):
            stack.enter_context(running.connect())

        answers = [running.healthy(number) for number in range(5)]

    assert {answer[:12] for answer in answers} == {b"HTTP/1.1 200"}


@pytest.mark.parametrize("name", [b"x-long", b"x-toy-signature"])
def test_a_header_of_200_kilobytes_is_refused(running, name):
    answer = running.exchange(signed_request("evt_1", name + b": " + b"a" * 200_000 + b"\r\n"))

    assert answer[:12] in (b"HTTP/1.1 431", b"HTTP/1.1 400")
    assert running.inbox.stored == {}


def test_an_endless_header_is_cut_before_it_ends(running):
    answer = running.exchange(b"GET / HTTP/1.1\r\nx-long: " + b"a" * 200_000)

    assert answer.startswith(b"HTTP/1.1 400")


def test_content_length_and_transfer_encoding_together_are_refused(running):
    answer = running.exchange(
        b"POST /webhooks/toy HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    )

    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_two_content_lengths_are_refused(running):
    answer = running.exchange(
        b"POST /webhooks/toy HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!"
    )

    assert answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "head",
    [
        b"content-length: 104857600\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n",
    ],
)
def test_a_body_of_100_megabytes_is_refused_after_the_limit(running, head):
    piece = b"x" * 65536
    part = b"%x\r\n%s\r\n" % (len(piece), piece) if b"chunked" in head else piece

    with running.connect() as client:
        client.sendall(b"POST /webhooks/toy HTTP/1.1\r\nhost: x\r\n" + head)
        sent, answer = send_until_answered(client, part, 104_857_600)

    assert answer.startswith(b"HTTP/1.1 413")
    assert sent < 20_000_000  # what fits into the socket buffers of both sides, not what was announced
    assert running.healthy().startswith(b"HTTP/1.1 200")


def test_a_lying_length_shorter_than_the_body_does_not_smuggle_a_request(running):
    hidden = b"POST /webhooks/toy HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"

    answer = running.exchange(signed_request("evt_1") + b"garbage" + hidden)

    assert b"HTTP/1.1 400" in answer
    assert answer.count(b"HTTP/1.1 200") <= 1
    assert set(running.inbox.stored) <= {"evt_1"}


def test_a_lying_length_longer_than_the_body_is_cut(running):
    answer = running.exchange(b"POST /webhooks/toy HTTP/1.1\r\nhost: x\r\ncontent-length: 900000\r\n\r\n{}")

    assert answer.startswith(b"HTTP/1.1 408")


def test_a_client_that_leaves_in_the_middle_leaves_no_traceback(running, capfd):
    with running.connect() as client:
        client.sendall(b"POST /webhooks/toy HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\nabc")

    answer = running.healthy()

    assert answer.startswith(b"HTTP/1.1 200")
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    "line",
    [
        b"CONNECT example.com:443 HTTP/1.1",
        b"TRACE / HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"GET http://example.com HTTP/1.1",
        b"GET http://example.com/healthzz HTTP/1.1",
        b"GET //webhooks//toy HTTP/1.1",
        b"GET /webhooks/%2e%2e/healthz HTTP/1.1",
        b"GET /../../etc/passwd HTTP/1.1",
        b"GET /healthz",
        b"\x16\x03\x01\x02\x00",
    ],
)
def test_odd_request_lines_get_a_refusal_and_no_traceback(running, line, capfd):
    answer = running.exchange(line + b"\r\nhost: x\r\nconnection: close\r\n\r\n")

    assert answer[9:12] in (b"400", b"404", b"405", b"")
    assert "Traceback" not in capfd.readouterr().err
    assert running.healthy().startswith(b"HTTP/1.1 200")


def test_several_requests_on_one_connection_are_answered_in_order(running):
    with running.connect() as client:
        client.sendall(signed_request("evt_1") + signed_request("evt_2") + signed_request("evt_3"))
        answers = read_until_closed(client)

    assert answers.count(b"HTTP/1.1 200") == 3
    assert list(running.inbox.stored) == ["evt_1", "evt_2", "evt_3"]
