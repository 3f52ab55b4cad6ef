"""What each role weighs when idle, and how long it takes to start."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import TYPE_CHECKING

from unkey_sync.clock import SystemClock

from tests.bench import site
from tests.bench.children import child, memory_mb
from tests.bench.figures import Figure, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

STARTS = 2


def measure() -> Iterator[Figure]:
    """Proportional set size: pages that processes share count once in all."""
    with site.postgresql() as database, site.folder() as state:
        place = site.Site(database=database, broker=site.redis(), state=state)
        environment = place.environment()
        for role, most in (("serve", 80), ("worker", 110), ("scheduler", 110)):
            arguments = ("unkey_sync", role, *(("--port", "0") if role == "serve" else ()))
            with child(*arguments, environment=environment, speaks=role == "serve") as started:
                started.wait_until_quiet()
                weight = memory_mb(started.pids()[0])
            yield Figure(what=f"memory of {role}", value=weight, unit="MB", target=Target(most=most))
    yield from _dev()
    bare = statistics.median(_run_ms("-c", "pass") for _ in range(5))
    helped = statistics.median(_run_ms("-m", "unkey_sync", "--help") for _ in range(5))
    yield Figure(
        what="unkey-sync --help",
        value=helped,
        unit="ms",
        bare=bare,
        beside="python -c pass",
        target=Target(most=150),
    )


def _dev() -> Iterator[Figure]:
    clock, times, weights = SystemClock(), [], []
    for _ in range(STARTS):
        with site.folder() as state:
            environment = {"UNKEY_SYNC_STATE_DIR": state, "UNKEY_SYNC_LOG_LEVEL": "ERROR"}
            began = clock.monotonic()
            with child("unkey_sync", "dev", "--port", "0", environment=environment) as started:
                times.append(clock.monotonic() - began)
                started.wait_until_quiet()
                weights.append(memory_mb(started.pids()[0]))
    yield Figure(
        what="memory of dev, sandbox included",
        value=statistics.median(weights),
        unit="MB",
        target=Target(most=120),
    )
    yield Figure(what="dev until ready", value=statistics.median(times), unit="s", target=Target(most=2))


def _run_ms(*arguments: str) -> float:
    clock = SystemClock()
    began = clock.monotonic()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return (clock.monotonic() - began) * 1000
