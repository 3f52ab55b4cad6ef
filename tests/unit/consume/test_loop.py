"""The loop's order: store, then acknowledge; hold while the database is away; reconnect when the queue is."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unkey_sync.clock import FakeClock
from unkey_sync.consume.loop import Consumer, Parts
from unkey_sync.consume.message import Message
from unkey_sync.consume.reading import Reader
from unkey_sync.consume.role import run_all
from unkey_sync.errors import Retry
from unkey_sync.telemetry.metrics import Metrics

from tests.unit.web.support import MemoryInbox, toy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass
class MemoryQueue:
    """A queue that says in which order it was used. `broken`: how many more connections fail."""

    waiting: list[list[Message]]
    log: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    broken: int = 0
    kept: int = 0

    def connect(self) -> MemoryQueue:
        self.log.append("connect")
        if self.broken:
            self.broken -= 1
            raise Retry("away")
        return self

    def receive(self, wait_s: float) -> Sequence[Message]:
        if not self.waiting:
            self.stop.set()
            return []
        self.log.append("receive")
        return self.waiting.pop(0)

    def ack(self, messages: Sequence[Message]) -> None:
        self.log.append(f"ack {len(messages)}")

    def keep(self, messages: Sequence[Message]) -> None:
        self.kept += 1

    def close(self) -> None:
        self.log.append("close")


def message(number: int) -> Message:
    return Message(b'{"id": "evt_%d", "user": "user_%d"}' % (number, number))


def run(
    queue: MemoryQueue,
    inbox: MemoryInbox,
    *,
    before: Callable[[], None] = lambda: None,
    metrics: Metrics | None = None,
) -> FakeClock:
    clock = FakeClock()

    def accept(intakes):
        queue.log.append("store")
        before()
        return inbox.accept(intakes)

    parts = Parts(
        name="q",
        connect=queue.connect,
        reader=Reader(source="toy", connector=toy(), clock=clock),
        accept=accept,
        ring=lambda: queue.log.append("ring"),
        metrics=(metrics or Metrics("test", "consumer")).receiver,
        clock=clock,
        stop=queue.stop,
    )
    Consumer(parts).run()
    return clock


def test_a_group_is_stored_then_acknowledged_then_the_bell_rings() -> None:
    queue = MemoryQueue([[message(1), message(2)]])

    run(queue, MemoryInbox())

    assert queue.log == ["connect", "receive", "store", "ack 2", "ring", "close"]


def test_what_came_from_a_queue_is_counted_as_what_came_by_webhook() -> None:
    metrics = Metrics("test", "consumer")

    run(MemoryQueue([[message(1), message(2)]]), MemoryInbox(), metrics=metrics)

    labels = {"source": "toy", "outcome": "accepted"}
    assert metrics.registry.get_sample_value("unkey_sync_events_received_total", labels) == 2


def test_a_queue_that_is_away_is_tried_again_with_growing_pauses() -> None:
    queue = MemoryQueue([[message(1)]], broken=4)
    began = FakeClock().monotonic()

    clock = run(queue, MemoryInbox())

    assert queue.log.count("connect") == 5
    assert clock.monotonic() - began == 0.5 + 1 + 2 + 4


def test_while_the_database_is_away_messages_are_held_on_the_same_connection() -> None:
    queue = MemoryQueue([[message(1)]])
    failures = iter([Retry(), Retry(), Retry()])

    def before() -> None:
        for failure in failures:
            raise failure

    inbox = MemoryInbox()
    run(queue, inbox, before=before)

    assert queue.log == ["connect", "receive", *["store"] * 4, "ack 1", "ring", "close"]
    assert queue.kept >= 3
    assert list(inbox.stored) == ["evt_1"]


def test_told_to_stop_while_holding_it_acknowledges_nothing() -> None:
    queue = MemoryQueue([[message(1)]])

    def before() -> None:
        queue.stop.set()
        raise Retry

    run(queue, MemoryInbox(), before=before)

    assert queue.log == ["connect", "receive", "store", "close"]


def test_what_the_database_refuses_for_ever_is_parked_and_the_rest_is_stored() -> None:
    queue = MemoryQueue([[message(1), message(2), message(3)]])
    inbox = MemoryInbox(poison="user_2")

    run(queue, inbox)

    assert [intake.parked.reason for intake in inbox.stored.values() if intake.parked] == ["not_storable"]
    assert {"evt_1", "evt_3"} < set(inbox.stored)
    assert "ack 3" in queue.log


def test_a_consumer_that_breaks_stops_the_others_and_is_no_success() -> None:
    stop = threading.Event()

    class Waiting(Consumer):
        def __init__(self) -> None:
            """Needs nothing."""

        def run(self) -> None:
            assert stop.wait(10)

    class Broken(Waiting):
        def run(self) -> None:
            raise ZeroDivisionError

    assert run_all([Waiting(), Broken()], stop) is False
