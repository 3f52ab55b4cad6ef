"""The runner: a ready line with the real port, a drained end on SIGTERM, its own exit codes."""

from __future__ import annotations

import json
import resource
import signal
import socket
import subprocess
import sys

import httpx
import pytest
from unkey_sync.errors import Stop
from unkey_sync.web.serve import Listen, bind, usable_connections

PROGRAM = """
import asyncio, json, sys, threading
from unkey_sync.web.serve import Listen, run

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        for moment in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{moment}.complete"})
        return
    print("asked", flush=True)
    await asyncio.to_thread(threading.Event().wait, 0.5 if scope["path"] == "/slow" else 0)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})

sys.exit(run(app, Listen(port=0), lambda url: print(json.dumps({"event": "ready", "url": url}), flush=True)))
"""


class Served:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.ready = json.loads(self.process.stdout.readline())
        self.url = self.ready["url"]

    def wait_for_request(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "asked\n"

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=10)
        assert "Traceback" not in errors
        return self.process.returncode


@pytest.fixture
def served():
    server = Served()
    yield server
    server.process.kill()
    server.process.communicate()


def test_the_ready_line_names_an_address_that_answers(served):
    assert served.ready["event"] == "ready"
    assert httpx.get(served.url, trust_env=False).text == "ok"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_with_its_own_exit_code(served, number, code):
    assert served.stop(number) == code


def test_a_request_under_way_is_answered_before_the_end(served):
    port = int(served.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
        served.wait_for_request()

        code = served.stop(signal.SIGTERM)
        answer = client.recv(4096)

    assert answer.endswith(b"ok")
    assert code == 0


def test_an_address_in_use_stops_with_a_remedy():
    with bind(Listen(port=0)) as taken, pytest.raises(Stop, match="Choose another --port"):
        bind(Listen(port=taken.getsockname()[1]))


def test_no_more_connections_than_file_descriptors():
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)

    assert usable_connections(64) == 64
    assert 1 <= usable_connections(10**9) <= max(soft, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
