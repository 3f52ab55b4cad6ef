"""Clerk's own events as queue messages, an inbox on SQLite, and a consumer that stops when it has done its part."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from unkey_sync.batch import Ownership
from unkey_sync.clock import SystemClock
from unkey_sync.consume.loop import Consumer, Parts
from unkey_sync.consume.reading import Reader
from unkey_sync.inbox import Inbox
from unkey_sync.seal import Sealer
from unkey_sync.telemetry.metrics import Metrics
from unkey_sync_connectors.base import SourceConfig
from unkey_sync_connectors.clerk import Clerk
from unkey_sync_connectors.event import Kind
from unkey_sync_connectors.samples import load_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from unkey_sync.consume.message import Queue
    from unkey_sync.intake import Intake, Receipt
    from unkey_sync.ledger.store import Ledger

DEADLINE_S = 30.0


def user_body(number: int, *, at_s: int = 1_760_000_000) -> bytes:
    """A `user.updated` of Clerk for user number N."""
    sample = dict(load_samples("clerk")["user.updated"])
    data = {**sample["data"], "id": f"user_{number}", "updated_at": at_s * 1000}
    return orjson.dumps({**sample, "data": data, "timestamp": at_s * 1000})


@dataclass
class Store:
    """An inbox that may refuse and that tells when everything expected has arrived."""

    ledger: Ledger
    expected: int
    stop: threading.Event = field(default_factory=threading.Event)
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None
    groups: list[int] = field(default_factory=list)
    duplicates: int = 0
    accepted: int = 0

    def accept(self, intakes: Sequence[Intake]) -> list[Receipt]:
        self.before()
        ownership = Ownership(frozenset({Kind.USER}), ())
        receipts = Inbox(self.ledger, Sealer([b"k" * 32]), SystemClock(), ownership).accept(intakes)
        self.groups.append(len(intakes))
        self.accepted += sum(one.accepted for one in receipts)
        self.duplicates += sum(one.duplicates for one in receipts)
        self.after()
        return receipts

    def rung(self) -> None:
        """After the acknowledgement."""
        if self.accepted + self.duplicates >= self.expected:
            self.stop.set()


def parts(broker: Any, store: Store, **changes: Any) -> Parts:
    given: dict[str, Any] = {
        "name": "test",
        "connect": broker.connect,
        "reader": reader(),
        "accept": store.accept,
        "ring": store.rung,
        "metrics": Metrics("test", "consumer").receiver,
        "clock": SystemClock(),
        "stop": store.stop,
    }
    return Parts(**{**given, **changes})


def reader(form: str = "vendor") -> Reader:
    config = SourceConfig(name="clerk", kind="clerk")
    return Reader(source="clerk", connector=Clerk(config), clock=SystemClock(), form=form)


def run(made: Parts) -> None:
    """The consumer, in this thread; a watchdog ends it when it hangs."""
    hung = threading.Event()

    def give_up() -> None:
        hung.set()
        made.stop.set()

    watchdog = threading.Timer(DEADLINE_S, give_up)
    watchdog.start()
    try:
        Consumer(made).run()
    finally:
        watchdog.cancel()
    assert not hung.is_set()


def receive(queue: Queue, count: int) -> list[Any]:
    """At least `count` messages, or an assertion after a while."""
    found: list[Any] = []
    for _ in range(30):
        found += queue.receive(1.0)
        if len(found) >= count:
            return found
    raise AssertionError(f"{len(found)} of {count} messages came")


def stored(ledger: Ledger) -> dict[str, int]:
    with ledger.transaction() as tx:
        return tx.reports.events_by_state()
