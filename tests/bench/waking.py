"""From a sign-up to its identity on an idle system: the bell works, and without Redis the sweep does."""

from __future__ import annotations

import socket
import statistics
import threading
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from unkey_sync.clock import SystemClock

from tests.bench import site
from tests.bench.children import Child, child
from tests.bench.deliveries import Deliveries
from tests.bench.figures import Figure, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGN_UPS = 40
SIGN_UPS_WITHOUT_REDIS = 4
SWEEP_S = 2.0
NO_REDIS = "redis://127.0.0.1:1/0"


@dataclass(frozen=True, slots=True)
class House:
    """A receiver, a worker and an Unkey that answers at once."""

    upstream: Child
    port: int

    def sign_up(self, name: str) -> float:
        """Milliseconds from sending the webhook to Unkey's createIdentity."""
        clock, never = SystemClock(), threading.Event()
        request = Deliveries(f"127.0.0.1:{self.port}").request(0, name, clock.now())
        sent = clock.monotonic()
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(request)
            if b" 200 " not in connection.recv(4096):
                raise RuntimeError("a webhook was not acked")
        while (at := self.upstream.ask({"external_id": f"user_{name}"})["at"]) is None:
            if clock.monotonic() > sent + 60:
                raise RuntimeError("a sign-up was lost")
            clock.wait(never, 0.005)
        clock.wait(never, 0.1)
        return float(at - sent) * 1000


def measure() -> Iterator[Figure]:
    with ExitStack() as stack:
        upstream = stack.enter_context(child("tests.bench.upstream", "0"))
        place = site.Site(
            database=stack.enter_context(site.postgresql()),
            broker=site.redis(),
            upstream=upstream.ready["url"],
            state=stack.enter_context(site.folder()),
        )
        found = _sign_ups(place, upstream, SIGN_UPS)
        without = _sign_ups(
            replace(place, broker=NO_REDIS, sweep_s=SWEEP_S), upstream, SIGN_UPS_WITHOUT_REDIS
        )
    yield Figure(what="sign-up to identity, idle, p50", value=statistics.median(found), unit="ms")
    yield Figure(what="sign-up to identity, idle, p99", value=_p99(found), unit="ms", target=Target(most=150))
    yield Figure(
        what=f"  Redis down, sweep every {SWEEP_S:g} s, slowest",
        value=max(without),
        unit="ms",
        target=Target(most=SWEEP_S * 1000 + 1000),
    )


def _sign_ups(place: site.Site, upstream: Child, count: int) -> list[float]:
    environment = place.environment()
    with (
        child("unkey_sync", "serve", "--port", "0", environment=environment) as receiver,
        child("unkey_sync", "worker", environment=environment, speaks=False) as worker,
    ):
        worker.wait_until_quiet()
        house = House(upstream, urlsplit(receiver.ready["url"]).port or 0)
        house.sign_up(f"first{count}")  # opens every connection
        return [house.sign_up(f"s{count}n{number}") for number in range(count)]


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]
