"""A drain that lost its database half-way: what its turns report later is nobody's business."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from unkey_sync.configfile import parse_document
from unkey_sync.engine.drain import Drain, DrainConfig
from unkey_sync.errors import Retry
from unkey_sync.policy import read_policy

from tests import makers
from tests.house import House

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync.engine.commit import Committer
    from unkey_sync.engine.work import Result
    from unkey_sync.ledger.store import Ledger


class LosesDatabaseOnce:
    """A committer whose first commit fails while other turns are still under way."""

    def __init__(self, inner: Committer, lost: threading.Event) -> None:
        self._inner = inner
        self._lost = lost
        self.fences: list[int] = []

    def commit(self, results: Sequence[Result]) -> int:
        if not self._lost.is_set():
            self._lost.set()
            raise Retry("the database is away")
        self.fences += [result.work.claim.fence for result in results]
        return self._inner.commit(results)


def test_turns_left_behind_by_a_failed_run_are_not_counted_by_the_next(ledger: Ledger) -> None:
    house = House(
        ledger, read_policy(parse_document(b"[[plans]]\nname = 'free'\ndefault = true\n", "t.toml"))
    )
    house.accept(*[makers.organization(f"org_{number}") for number in range(4)])
    lost, first = threading.Event(), threading.Lock()

    def wait_for_the_loss(_: str) -> None:
        if not first.acquire(blocking=False):
            assert lost.wait(10)

    house.transport.before = wait_for_the_loss
    committer = LosesDatabaseOnce(house.committer, lost)
    drain = Drain(house.ledger, house.performer, committer, house.clock, DrainConfig(owner="w", lanes=4))  # type: ignore[arg-type]  # stands in for one

    with pytest.raises(Retry):
        drain.run(threading.Event())
    house.clock.advance(61)
    turns = drain.run(threading.Event())
    drain.close()

    assert turns == 4
    assert committer.fences == [2] * 4
    assert house.is_done()
    assert [call for call in house.transport.mutations if "delete" in call] == []
