"""Acked webhooks per second of one receiver process, and how long a sender waits at half of that."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.bench import site
from tests.bench.children import Child, child
from tests.bench.figures import Figure, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 2
COUNT = 6000
_SERVE = ("unkey_sync", "serve", "--port", "0")
_NAMES = ("postgresql", "sqlite")


def measure() -> Iterator[Figure]:
    """Full speed in interleaved rounds; then half speed, open loop."""
    with ExitStack() as stack:
        receivers = _receivers(stack)
        generator = stack.enter_context(child("tests.bench.load"))
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in receivers}
        for round_number in range(ROUNDS):
            for name, receiver in receivers.items():
                runs[name].append(_send(generator, receiver, f"{name[0]}{round_number}x", None))
        bare = _rate(runs["bare"])
        for name in _NAMES:
            yield from _figures(name, runs[name], bare)
            yield _half_speed(generator, receivers[name], name, _rate(runs[name]) / 2)


def _receivers(stack: ExitStack) -> dict[str, Child]:
    """Started together; those that are not asked cost nothing."""
    state = stack.enter_context(site.folder())
    urls = {
        "postgresql": stack.enter_context(site.postgresql()),
        "sqlite": stack.enter_context(site.sqlite()),
    }
    broker = site.redis()
    sites = {name: site.Site(database=url, broker=broker, state=state) for name, url in urls.items()}
    bare = {**sites["sqlite"].environment(), "UNKEY_SYNC_PORT": "0"}
    started = {"bare": stack.enter_context(child("tests.bench.noop_receiver", environment=bare))}
    for name, one in sites.items():
        started[name] = stack.enter_context(child(*_SERVE, environment=one.environment()))
    return started


def _send(generator: Child, receiver: Child, name: str, rate: float | None) -> dict[str, Any]:
    port = urlsplit(receiver.ready["url"]).port
    result = generator.ask({"port": port, "count": COUNT, "name": name, "rate": rate})
    if set(result["statuses"]) != {"200"}:
        raise RuntimeError(f"not every webhook was acked: {result['statuses']}")
    return result


def _rate(runs: list[dict[str, Any]]) -> float:
    return float(statistics.median(COUNT / run["seconds"] for run in runs))


def _median(runs: list[dict[str, Any]], name: str) -> float:
    return float(statistics.median(run[name] for run in runs))


def _figures(name: str, runs: list[dict[str, Any]], bare: float) -> Iterator[Figure]:
    yield Figure(
        what=f"webhooks acked, {name}",
        value=_rate(runs),
        unit="/s",
        bare=bare,
        beside="verify + parse",
        target=Target(least=0.6, ratio=True),
    )
    yield Figure(what="  p50 at full speed", value=_median(runs, "p50_ms"), unit="ms")
    yield Figure(what="  p99 at full speed", value=_median(runs, "p99_ms"), unit="ms")


def _half_speed(generator: Child, receiver: Child, name: str, rate: float) -> Figure:
    runs = [_send(generator, receiver, f"h{name[0]}{number}x", rate) for number in range(ROUNDS)]
    target = Target(most=10)
    return Figure(
        what=f"  p99 at {rate:,.0f}/s offered", value=_median(runs, "p99_ms"), unit="ms", target=target
    )
