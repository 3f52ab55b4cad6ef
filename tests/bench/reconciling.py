"""Subjects whose outcome is what Unkey holds already: turns per second of one process, without a single call."""

from __future__ import annotations

import statistics
import threading
from typing import TYPE_CHECKING

import httpx
import sqlalchemy as sa
from unkey_sync.clock import SECOND, SystemClock
from unkey_sync.ledger.subject_rows import SWEEP, Release
from unkey_sync.ledger.tables import subjects
from unkey_sync.memory import kept

from tests.bench import site
from tests.bench.figures import Figure, Target
from tests.bench.upstream import ANSWER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from unkey_sync.wiring import Runtime

COUNT = 8_000
ROUNDS = 2
_BODY = ANSWER.partition(b"\r\n\r\n")[2]


class Counting(httpx.BaseTransport):
    """Answers every call as Unkey would, at once, and counts."""

    calls = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        return httpx.Response(200, stream=httpx.ByteStream(_BODY))


def measure() -> Iterator[Figure]:
    with site.postgresql() as database:
        yield from _on("postgresql", database)
    with site.sqlite() as database:
        yield from _on("sqlite", database)


def _on(name: str, database: str) -> Iterator[Figure]:
    transport = Counting()
    with site.folder() as state, kept():
        runtime = site.Site(database=database, state=state).runtime(transport)
        site.accept_users(runtime, COUNT, "n")
        _drain(runtime)
        transport.calls = 0
        bare, same, recomputed = [], [], []
        for _ in range(ROUNDS):
            bare.append(_per_s(runtime, _all_due, _claim_and_release))
            same.append(_per_s(runtime, _all_due, _drain))
            recomputed.append(_per_s(runtime, _new_policy, _drain))
        runtime.close()
    if transport.calls:
        raise RuntimeError(f"unchanged subjects made {transport.calls} calls")
    yield _figure(f"unchanged subjects, {name}", same, bare, Target(least=10_000))
    yield _figure(f"  policy new, outcome equal, {name}", recomputed, bare, None)


def _figure(what: str, found: list[float], bare: list[float], target: Target | None) -> Figure:
    return Figure(
        what=what,
        value=statistics.median(found),
        unit="/s",
        bare=statistics.median(bare),
        beside="claim + release",
        target=target,
    )


def _per_s(runtime: Runtime, prepare: Callable[[Runtime], None], work: Callable[[Runtime], None]) -> float:
    prepare(runtime)
    clock = SystemClock()
    started = clock.monotonic()
    work(runtime)
    return COUNT / (clock.monotonic() - started)


def _all_due(runtime: Runtime) -> None:
    with runtime.ledger.engine.begin() as connection:
        connection.execute(sa.update(subjects).values(due_at=0))
    _tidy(runtime)


def _new_policy(runtime: Runtime) -> None:
    with runtime.ledger.transaction() as tx:
        tx.subjects.mark_page_due("", COUNT, SWEEP)
    _tidy(runtime)


def _tidy(runtime: Runtime) -> None:
    """Rewriting every row at once is the bench's doing, not the engine's."""
    url = runtime.settings.database_url.get_secret_value()
    if url.startswith("postgresql"):
        site.execute(url, "VACUUM ANALYZE subjects")


def _drain(runtime: Runtime) -> None:
    drain = runtime.drain()
    drain.run(threading.Event())
    drain.close()


def _claim_and_release(runtime: Runtime) -> None:
    """The leases alone: nothing is read, nothing decided."""
    now = runtime.clock.now()
    while True:
        with runtime.ledger.transaction() as tx:
            claims = tx.subjects.claim("bare", now, now + 60 * SECOND, runtime.drain_config.batch)
        if not claims:
            return
        with runtime.ledger.transaction() as tx:
            tx.subjects.release(
                Release(
                    subject=claim.subject,
                    fence=claim.fence,
                    generation=claim.generation,
                    due_at=None,
                    inputs=claim.inputs,
                    changes_at=claim.changes_at,
                )
                for claim in claims
            )
