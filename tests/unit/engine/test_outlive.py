"""Threads that must not die: what passes is logged, what is a defect is logged and counted, and both are outlived."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from unkey_sync.clock import FakeClock
from unkey_sync.engine.sweeper import Sweeper
from unkey_sync.errors import Retry
from unkey_sync.outlive import Outlive
from unkey_sync.watch.loop import Watch, WatchPace

if TYPE_CHECKING:
    from collections.abc import Callable


def fails_with(error: Exception) -> Callable[[], str]:
    def once() -> str:
        raise error

    return once


@pytest.mark.parametrize(
    ("once", "answer", "written", "counted"),
    [
        (lambda: "done", "done", [], 0),
        (fails_with(Retry("away")), "otherwise", ["passing"], 0),
        (fails_with(ZeroDivisionError()), "otherwise", ["defect"], 1),
    ],
)
def test_a_round_ends_in_its_answer_or_in_a_line(
    once: Callable[[], str], answer: str, written: list[str], counted: int
) -> None:
    count: list[int] = []
    with structlog.testing.capture_logs() as lines:
        outlive = Outlive(
            log=structlog.get_logger("test"),
            passing="passing",
            defect="defect",
            count=lambda: count.append(1),
        )

        given = outlive(once, otherwise="otherwise")

    assert given == answer
    assert [line["event"] for line in lines] == written
    assert len(count) == counted


class Broken:
    """A drain, or a ledger, of ours that fails and says stop after some rounds."""

    def __init__(self, rounds: int) -> None:
        self.left = rounds
        self.stop = threading.Event()

    def run(self, _stop: threading.Event) -> int:
        self.left -= 1
        if not self.left:
            self.stop.set()
        raise ZeroDivisionError

    def transaction(self) -> Any:
        self.run(self.stop)


def test_the_sweeper_outlives_defects_and_counts_them() -> None:
    drain, count = Broken(3), list[int]()
    broken: Any = drain
    sweeper = Sweeper(broken, FakeClock(), 1.0, lambda: 0.5, lambda: count.append(1))
    drain.stop = sweeper.stop

    sweeper.run()

    assert count == [1, 1, 1]


def test_the_watch_outlives_defects_and_counts_them() -> None:
    ledger, count = Broken(3), list[int]()
    broken: Any = ledger
    pace = WatchPace(look_every_s=1, settle_s=1)
    watch = Watch(broken, None, FakeClock(), pace, lambda: count.append(1))
    ledger.stop = watch.stop

    watch.run()

    assert count == [1, 1, 1]
