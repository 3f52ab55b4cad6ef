"""Calls per second and CPU per call: the client over lanes against one shared httpx.Client.

Run: python -m tests.contract.unkey.bench_lanes. The server is a small asyncio one in a process of its own.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import threading
import time
from typing import TYPE_CHECKING

import httpx
import orjson
from unkey_sync.clock import SystemClock
from unkey_sync.unkey import LaneTransport, LocalGate, SecretText, UnkeyClient, UnkeyConfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

ANSWER = orjson.dumps({"meta": {"requestId": "req_1"}, "data": {"id": "id_1", "externalId": "user_1"}})
HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(ANSWER)}\r\n\r\n".encode()


class Server(asyncio.Protocol):
    latency_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.buffer.endswith(b"}"):
            self.buffer = b""
            asyncio.get_running_loop().call_later(self.latency_s, self.transport.write, HEAD + ANSWER)


def serve(latency_s: float, ready: Connection) -> None:
    async def run() -> None:
        Server.latency_s = latency_s
        server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, backlog=512)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def measure(call: Callable[[], object], threads: int, seconds: float) -> str:
    counts = [0] * threads
    stop_at = time.monotonic() + seconds

    def work(index: int) -> None:
        while time.monotonic() < stop_at:
            call()
            counts[index] += 1

    before, started = _cpu_s(), time.monotonic()
    workers = [threading.Thread(target=work, args=(index,)) for index in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    calls, cpu_ms = sum(counts), (_cpu_s() - before) * 1000
    return f"{calls / (time.monotonic() - started):7.0f} calls/s  {cpu_ms / calls:5.2f} ms CPU"


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def compare(threads: int, latency_s: float, seconds: float = 3.0) -> None:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(latency_s, theirs))
    server.start()
    base = f"http://127.0.0.1:{ours.recv()}"
    try:
        _compare(base, threads, seconds)
    finally:
        server.kill()
        server.join()


def _compare(base: str, threads: int, seconds: float) -> None:
    clock = SystemClock()
    limits = httpx.Limits(max_connections=threads, max_keepalive_connections=threads)
    body = {"identity": "user_1"}
    with httpx.Client(limits=limits, timeout=30) as shared:
        print(
            "  one httpx.Client  ", measure(lambda: shared.post(f"{base}/v2/x", json=body), threads, seconds)
        )
    with httpx.Client(transport=LaneTransport(clock, max_lanes=threads), timeout=30) as laned:
        print(
            "  httpx over lanes  ", measure(lambda: laned.post(f"{base}/v2/x", json=body), threads, seconds)
        )
    config = UnkeyConfig(root_key=SecretText("root"), base_url=base)
    client = UnkeyClient(config, LaneTransport(clock, max_lanes=threads), LocalGate(clock), clock)
    print(
        "  UnkeyClient       ", measure(lambda: client.identities.get(external_id="user_1"), threads, seconds)
    )
    client.close()


if __name__ == "__main__":
    for threads, latency_s in ((8, 0.0), (32, 0.0), (100, 0.05)):
        print(f"{threads} threads, {latency_s * 1000:.0f} ms latency")
        compare(threads, latency_s)
