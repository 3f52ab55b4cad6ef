"""A stand-in for Unkey in a process of its own: answers every call after a fixed time and remembers when it came.

`python -m tests.bench.upstream MILLISECONDS`. Asked `{}`, it says how many calls came since it was last asked, and
when the first and the last; asked `{"external_id": …}`, when that identity was created. Instants: monotonic seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from typing import Any, cast

import uvloop

_DATA = {"id": "id_1", "identityId": "id_1", "externalId": "user_1", "meta": {}, "ratelimits": []}
_BODY = json.dumps({"meta": {"requestId": "req_1"}, "data": _DATA}).encode()
ANSWER = (
    f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(_BODY)}\r\n\r\n".encode()
    + _BODY
)
_NAME = b'"externalId":"'


class Journal:
    """What came when."""

    def __init__(self) -> None:
        self._calls: list[float] = []
        self._created: dict[str, float] = {}

    def note(self, body: bytes) -> None:
        now = time.monotonic()
        self._calls.append(now)
        name = body.partition(_NAME)[2].partition(b'"')[0]
        self._created.setdefault(name.decode(), now)

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        if "external_id" in question:
            return {"at": self._created.get(question["external_id"])}
        calls, self._calls = self._calls, []
        return {"calls": len(calls), "first": min(calls, default=0.0), "last": max(calls, default=0.0)}


class Protocol(asyncio.Protocol):
    def __init__(self, journal: Journal, latency_s: float) -> None:
        self._journal = journal
        self._latency_s = latency_s
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._buffer.endswith(b"}") and self._transport is not None:
            self._journal.note(self._buffer)
            self._buffer = b""
            asyncio.get_running_loop().call_later(self._latency_s, self._transport.write, ANSWER)


async def serve(latency_s: float) -> None:
    journal = Journal()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Protocol(journal, latency_s), "127.0.0.1", 0, backlog=512)
    threading.Thread(target=_answer, args=(journal,), daemon=True).start()
    print(json.dumps({"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"}), flush=True)
    await server.serve_forever()


def _answer(journal: Journal) -> None:
    for line in sys.stdin:
        print(json.dumps(journal.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    uvloop.run(serve(float(sys.argv[1]) / 1000))
