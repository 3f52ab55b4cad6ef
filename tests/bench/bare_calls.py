"""The bare loop beside the engine, in a process of its own: createIdentity again and again, 64 at a time.

`python -m tests.bench.bare_calls lanes|sdk URL`: plain httpx through our lanes, or the official SDK. Asked
`{"count": n}`, it makes n calls and says how many seconds and how much processor time that took.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
from unkey.py import Unkey
from unkey_sync.clock import SystemClock
from unkey_sync.unkey.lanes import LaneTransport

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW = 64
LIMITS = [{"name": "requests", "limit": 60, "duration": 60_000, "autoApply": True}]
META = {"sync": {"plan": "free", "kind": "user", "subject": "user_1"}}


def lanes(url: str) -> Callable[[int], Any]:
    headers = {"authorization": "Bearer unkey_bench"}
    client = httpx.Client(
        transport=LaneTransport(SystemClock(), max_lanes=WINDOW), base_url=url, timeout=30, headers=headers
    )

    def call(number: int) -> object:
        body = {"externalId": f"user_{number}", "meta": META, "ratelimits": LIMITS}
        return client.post("/v2/identities.createIdentity", json=body).raise_for_status().json()

    return call


def sdk(url: str) -> Callable[[int], Any]:
    client = Unkey(root_key="unkey_bench", server_url=url)
    limits: Any = [{"name": "requests", "limit": 60, "duration": 60_000, "auto_apply": True}]
    return lambda n: client.identities.create_identity(external_id=f"user_{n}", meta=META, ratelimits=limits)


def loop(call: Callable[[int], Any], count: int) -> dict[str, float]:
    numbers = iter(range(count))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            call(number)

    cpu, started = _cpu_s(), time.monotonic()
    with ThreadPoolExecutor(WINDOW) as pool:
        for one in [pool.submit(work) for _ in range(WINDOW)]:
            one.result()
    return {"seconds": time.monotonic() - started, "cpu_s": _cpu_s() - cpu}


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    call = {"lanes": lanes, "sdk": sdk}[sys.argv[1]](sys.argv[2])
    print(json.dumps({"event": "ready"}), flush=True)
    for line in sys.stdin:
        print(json.dumps(loop(call, json.loads(line)["count"])), flush=True)


if __name__ == "__main__":
    main()
