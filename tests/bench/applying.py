"""Events applied per second end to end: two worker processes on PostgreSQL and Redis, Unkey 20 ms away.

Beside it: the same calls in a bare loop, one Celery task per event, and the official SDK.
"""

from __future__ import annotations

import statistics
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync import celery_app
from unkey_sync.clock import SystemClock
from unkey_sync.roles.start import adopt_policy

from tests.bench import site, task_per_event
from tests.bench.children import Child, child
from tests.bench.figures import Figure, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT = 4000
SLOW_COUNT = 600
ROUNDS = 2
LATENCY_MS = "20"
_RELEASE = "UPDATE subjects SET due_at = 0 WHERE subject LIKE 'user_%'"
_ROWS = f"INSERT INTO bench_rows SELECT n, 'new' FROM generate_series(1, {SLOW_COUNT}) n"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Speed:
    """`cpu_ms`: processor time of the calling processes, per event."""

    per_s: float
    cpu_ms: float


def measure() -> Iterator[Figure]:
    """Rounds of bare loop and engine in turn, then the two others once each."""
    with ExitStack() as stack:
        upstream = stack.enter_context(child("tests.bench.upstream", LATENCY_MS))
        bare = _bare(stack, "lanes", upstream)
        ours, loops = [], []
        with _engine(upstream) as engine:
            for number in range(ROUNDS):
                loops.append(_loop(bare, upstream, COUNT))
                ours.append(engine.round(number))
        sdk = _loop(_bare(stack, "sdk", upstream), upstream, SLOW_COUNT)
        tasks = _tasks(upstream)
    yield from _figures(_median(ours), _median(loops), sdk, tasks)


def _figures(ours: Speed, bare: Speed, sdk: Speed, tasks: Speed) -> Iterator[Figure]:
    for beside, other, least in (
        ("bare loop", bare.per_s, 0.6),
        ("task per event, threads", tasks.per_s, 5),
        ("official SDK, threads", sdk.per_s, 4),
    ):
        yield Figure(
            what="events applied, Unkey 20 ms away, 2 processes",
            value=ours.per_s,
            unit="/s",
            bare=other,
            beside=beside,
            target=Target(least=least, ratio=True),
        )
    yield Figure(
        what="our CPU per event beyond the call",
        value=ours.cpu_ms - bare.cpu_ms,
        unit="ms",
        bare=bare.cpu_ms,
        beside="the call",
        target=Target(most=0.4),
    )


@dataclass(frozen=True, slots=True)
class Engine:
    """Two real workers with nothing to do, and events that wait for their round."""

    workers: Child
    upstream: Child
    database: str
    broker: str

    def round(self, number: int) -> Speed:
        """Make a round's subjects due, ring, wait until all are done."""
        self.upstream.ask({})
        cpu_s = self.workers.cpu_s()
        site.execute(self.database, _RELEASE.replace("%", f"r{number}x%"))
        ring = celery_app.nudge(celery_app.create_app(self.broker))
        for _ in range(4):
            ring()
        wait_for_zero(self.database, "SELECT count(*) FROM subjects WHERE due_at IS NOT NULL")
        return _speed(self.upstream, COUNT, self.workers.cpu_s() - cpu_s)


@contextmanager
def _engine(upstream: Child) -> Iterator[Engine]:
    with site.postgresql() as database, site.folder() as state:
        place = site.Site(database=database, broker=site.redis(), upstream=upstream.ready["url"], state=state)
        runtime = place.runtime()
        adopt_policy(runtime)  # or the workers would make everybody due when they start
        for number in range(ROUNDS):
            site.accept_users(runtime, COUNT, f"r{number}x")
        runtime.close()
        site.execute(database, "UPDATE subjects SET due_at = NULL", "VACUUM ANALYZE")
        arguments = ("unkey_sync", "worker", "--processes", "2")
        with child(*arguments, environment=place.environment(), speaks=False) as workers:
            workers.wait_until_quiet()
            yield Engine(workers, upstream, database, place.broker)


def _bare(stack: ExitStack, kind: str, upstream: Child) -> list[Child]:
    arguments = ("tests.bench.bare_calls", kind, upstream.ready["url"])
    return [stack.enter_context(child(*arguments)) for _ in range(2)]


def _loop(processes: list[Child], upstream: Child, count: int) -> Speed:
    upstream.ask({})
    for one in processes:
        one.tell({"count": count // len(processes)})
    answers = [one.hear() for one in processes]
    return _speed(upstream, count, sum(answer["cpu_s"] for answer in answers))


def _tasks(upstream: Child) -> Speed:
    broker = site.redis()
    app = task_per_event.create_app(broker)
    with site.postgresql() as database, ExitStack() as stack:
        site.execute(database, task_per_event.TABLE, _ROWS)
        app.control.purge()
        for number in range(1, SLOW_COUNT + 1):
            app.send_task("bench.apply", args=[number])
        upstream.ask({})
        environment = {
            "BENCH_BROKER": broker,
            "BENCH_DATABASE": database,
            "BENCH_UPSTREAM": upstream.ready["url"],
        }
        for _ in range(2):
            stack.enter_context(child("tests.bench.task_per_event", environment=environment, speaks=False))
        wait_for_zero(database, "SELECT count(*) FROM bench_rows WHERE state <> 'done'")
        return _speed(upstream, SLOW_COUNT, 0.0)


def _speed(upstream: Child, count: int, cpu_s: float) -> Speed:
    """From the first call to the last one; 20 ms more until the last answer."""
    seen = upstream.ask({})
    if seen["calls"] != count:
        raise RuntimeError(f"{count} events made {seen['calls']} calls")
    return Speed(count / (seen["last"] - seen["first"] + float(LATENCY_MS) / 1000), cpu_s / count * 1000)


def _median(speeds: list[Speed]) -> Speed:
    per_s = statistics.median(one.per_s for one in speeds)
    return Speed(per_s, statistics.median(one.cpu_ms for one in speeds))


def wait_for_zero(database: str, query: str, timeout_s: float = 120.0) -> None:
    """Ask ten times a second. Raises RuntimeError after `timeout_s`."""
    clock, never = SystemClock(), threading.Event()
    until = clock.monotonic() + timeout_s
    while left := site.scalar(database, query):
        if clock.monotonic() > until:
            raise RuntimeError(f"{left} left after {timeout_s} s: {query}")
        clock.wait(never, 0.1)
