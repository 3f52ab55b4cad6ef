"""A backfill in which nothing is new: objects per second beside listing alone, and what it takes of memory."""

from __future__ import annotations

import os
import statistics
from typing import TYPE_CHECKING, Any

import orjson
from unkey_sync.clock import SystemClock
from unkey_sync.engine.doubts import SourceAccess
from unkey_sync.feeder import Feeder, Wanted
from unkey_sync.memory import kept
from unkey_sync_connectors.base import ApiReply, Gone

from tests.apis import NoStreams
from tests.bench import site
from tests.bench.children import resident_mb
from tests.bench.figures import Figure, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from unkey_sync.wiring import Runtime
    from unkey_sync_connectors.base import Connector

COUNT = 20_000
ROUNDS = 2
PAGE = 500


class FakeClerk(NoStreams):
    """The users of a Clerk instance, without a network: each page is read from JSON, as it would come."""

    def __init__(self, user: Mapping[str, Any], count: int) -> None:
        self._user = {**user, "id": "@"}
        self._count = count
        self._template = orjson.dumps(self._user)

    def get(
        self,
        path: str,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiReply:
        if path == "/v1/users/count":
            return ApiReply({"total_count": self._count})
        if path != "/v1/users":
            raise Gone
        after = str((params or {}).get("starting_after", "user_-1"))
        first = int(after.removeprefix("user_")) + 1
        numbers = range(first, min(self._count, first + PAGE))
        rows = (self._template.replace(b'"@"', b'"user_%d"' % number) for number in numbers)
        return ApiReply(orjson.loads(b"[" + b",".join(rows) + b"]"), SystemClock().now())


def measure() -> Iterator[Figure]:
    with site.postgresql() as database, site.folder() as state, kept():
        runtime = site.Site(database=database, state=state).runtime()
        connector = runtime.connectors["clerk"]
        user = connector.samples()["user.created"]["data"]
        access = SourceAccess(connector, FakeClerk(user, COUNT))
        _backfill(runtime, access)
        before_mb = resident_mb(os.getpid())
        bare, ours = [], []
        for _ in range(ROUNDS):
            bare.append(_per_s(lambda: _list(connector, access)))
            ours.append(_per_s(lambda: _backfill(runtime, access)))
        grown_mb = resident_mb(os.getpid()) - before_mb
        runtime.close()
    yield Figure(
        what="backfill of unchanged users",
        value=statistics.median(ours),
        unit="/s",
        bare=statistics.median(bare),
        beside="listing alone, no network",
        target=Target(least=0.5, ratio=True),
    )
    yield Figure(
        what=f"  memory it grew by in {ROUNDS * COUNT:,}", value=grown_mb, unit="MB", target=Target(most=5)
    )


def _per_s(work: Callable[[], None]) -> float:
    clock = SystemClock()
    started = clock.monotonic()
    work()
    return COUNT / (clock.monotonic() - started)


def _list(connector: Connector, access: SourceAccess) -> None:
    listed = sum(len(page.events) for page in connector.pages(access.api, None))
    if listed != COUNT:
        raise RuntimeError(f"{listed} of {COUNT} were listed")


def _backfill(runtime: Runtime, access: SourceAccess) -> None:
    feeder = Feeder(runtime.ledger, runtime.inbox, runtime.clock, lambda: None)
    for _ in feeder.backfill("clerk", access, Wanted(restart=True)):
        pass
