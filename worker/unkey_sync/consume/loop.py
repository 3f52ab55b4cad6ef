"""The life of one queue: receive, store, acknowledge, in this order and nothing in between.

Any trouble with the queue drops the connection: what was not acknowledged comes again, and is a duplicate if it
was stored. Trouble with the database keeps connection and messages: a queue counts redeliveries and gives up.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from unkey_sync.consume.reading import not_storable
from unkey_sync.errors import Park, Retry

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from unkey_sync.clock import Clock
    from unkey_sync.consume.message import Message, Queue
    from unkey_sync.consume.reading import Reader
    from unkey_sync.intake import Intake, Receipt
    from unkey_sync.telemetry.metrics import ReceiverMetrics

WAIT_S = 2.0
"""Longest wait for a message, seconds; a stop is noticed after it."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0
_KEEP_S = 5.0
"""A broker that hears nothing for longer gives our messages to somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a consumer needs. `accept` commits before it returns; `ring` wakes a worker and never blocks."""

    name: str
    connect: Callable[[], Queue]
    reader: Reader
    accept: Callable[[Sequence[Intake]], Sequence[Receipt]]
    ring: Callable[[], None]
    metrics: ReceiverMetrics
    clock: Clock
    stop: threading.Event


class Consumer:
    """Takes messages from one queue until told to stop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._pause_s = _FIRST_PAUSE_S
        self._log = structlog.stdlib.get_logger("unkey_sync.consume")

    def run(self) -> None:
        """Until `stop` is set; reconnects for as long as it takes."""
        while not self._parts.stop.is_set():
            try:
                with closing(self._parts.connect()) as queue:
                    self._serve(queue)
            except Retry as error:
                self._log.warning("queue_away", queue=self._parts.name, error=str(error))
                self._rest()

    def _serve(self, queue: Queue) -> None:
        while not self._parts.stop.is_set():
            messages = queue.receive(WAIT_S)
            self._pause_s = _FIRST_PAUSE_S
            if not messages:
                continue
            if not self._store(queue, messages):
                return
            queue.ack(messages)
            self._parts.ring()

    def _store(self, queue: Queue, messages: Sequence[Message]) -> bool:
        """False: told to stop before the messages could be stored."""
        intakes = [intake for message in messages for intake in self._parts.reader.read(message)]
        while True:
            try:
                receipts = self._accept(intakes)
            except Retry as error:
                self._log.warning("ledger_away", queue=self._parts.name, error_code=error.code)
                if self._hold(queue, messages):
                    return False
                continue
            self._note(intakes, receipts)
            return True

    def _accept(self, intakes: Sequence[Intake]) -> list[Receipt]:
        try:
            return list(self._parts.accept(intakes))
        except Park:
            return [self._accept_alone(intake) for intake in intakes]

    def _accept_alone(self, intake: Intake) -> Receipt:
        try:
            return self._parts.accept([intake])[0]
        except Park:
            return self._parts.accept([not_storable(intake)])[0]

    def _hold(self, queue: Queue, messages: Sequence[Message]) -> bool:
        """Wait before the next attempt, still owning the messages; True when told to stop."""
        left_s = self._next_pause_s()
        while left_s > 0:
            queue.keep(messages)
            if self._parts.clock.wait(self._parts.stop, min(left_s, _KEEP_S)):
                return True
            left_s -= _KEEP_S
        return self._parts.stop.is_set()

    def _rest(self) -> None:
        self._parts.clock.wait(self._parts.stop, self._next_pause_s())

    def _next_pause_s(self) -> float:
        pause_s, self._pause_s = self._pause_s, min(self._pause_s * 2, _LONGEST_PAUSE_S)
        return pause_s

    def _note(self, intakes: Sequence[Intake], receipts: Sequence[Receipt]) -> None:
        for intake, receipt in zip(intakes, receipts, strict=True):
            self._parts.metrics.stored(intake, receipt)
            if intake.parked is not None:
                self._log.warning("message_parked", queue=self._parts.name, reason=intake.parked.reason)
        self._log.info(
            "messages_stored",
            queue=self._parts.name,
            events=sum(receipt.accepted for receipt in receipts),
            duplicates=sum(receipt.duplicates for receipt in receipts),
        )
