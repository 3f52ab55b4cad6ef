"""Group commit: whoever waits shares the next transaction.

One commit runs at a time, in one thread. The next group is whatever arrived meanwhile, so nobody waits for a
timer. It knows nothing about HTTP or SQL: `accept` stores, `ring` wakes the engine.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from unkey_sync.errors import Park, Retry, SyncError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from unkey_sync.intake import Intake, Receipt

    Accept = Callable[[Sequence[Intake]], Sequence[Receipt]]
    Outcome = Receipt | SyncError

GROUP_LIMIT = 256
"""Intakes in one transaction: enough to fill a commit, small enough to keep it short."""
PATIENCE_S = 5.0
"""How long a store may stay silent before waiting senders are told to come back."""


@dataclass(slots=True)
class _Waiter:
    intake: Intake
    result: asyncio.Future[Receipt]


class GroupCommit:
    """Stores intakes in groups. Belongs to one event loop; `accept` runs in one thread of its own.

    `accept` is one transaction for the whole group and raises `Retry` when the store is unreachable, `Park`
    when
    an intake can never be stored. `ring` is called on the event loop after each commit and must not block.
    """

    def __init__(self, accept: Accept, ring: Callable[[], None], patience_s: float = PATIENCE_S) -> None:
        self._accept = accept
        self._ring = ring
        self._patience_s = patience_s
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="group-commit")
        self._waiting: list[_Waiter] = []
        self._committing = False
        self._silent = False
        self._log = structlog.get_logger("unkey_sync.web")

    async def store(self, intake: Intake) -> Receipt:
        """Return once the intake is committed.

        Raises `Retry` (come back later) or `Park` (never storable).
        """
        if self._silent:
            raise Retry("The store does not answer.")
        loop = asyncio.get_running_loop()
        waiter = _Waiter(intake, loop.create_future())
        self._waiting.append(waiter)
        if not self._committing:
            self._committing = True
            # Not at once: requests that are ready in this turn of the loop join the same group.
            loop.call_soon(self._begin, loop)
        return await waiter.result

    async def close(self) -> None:
        """Let what is under way finish, then stop the writer thread."""
        pending = [waiter.result for waiter in self._waiting]
        await asyncio.gather(*pending, return_exceptions=True)
        await asyncio.get_running_loop().run_in_executor(None, self._writer.shutdown)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        group, self._waiting = self._waiting[:GROUP_LIMIT], self._waiting[GROUP_LIMIT:]
        alarm = loop.call_later(self._patience_s, self._give_up, group)
        commit = self._writer.submit(self._commit, [waiter.intake for waiter in group])

        def committed(done: Future[list[Outcome]]) -> None:
            loop.call_soon_threadsafe(self._settle, group, done, alarm)

        commit.add_done_callback(committed)

    def _commit(self, intakes: list[Intake]) -> list[Outcome]:
        try:
            return list(self._accept(intakes))
        except Park:
            return [self._commit_alone(intake) for intake in intakes]

    def _commit_alone(self, intake: Intake) -> Outcome:
        try:
            return self._accept([intake])[0]
        except SyncError as error:
            return error

    def _settle(self, group: list[_Waiter], done: Future[list[Outcome]], alarm: asyncio.TimerHandle) -> None:
        alarm.cancel()
        self._silent = False
        for waiter, outcome in zip(group, self._outcomes(group, done), strict=True):
            _resolve(waiter, outcome)
        if done.exception() is None:
            self._ring()
        if self._waiting:
            self._begin(asyncio.get_running_loop())
        else:
            self._committing = False

    def _outcomes(self, group: list[_Waiter], done: Future[list[Outcome]]) -> Sequence[Outcome]:
        error = done.exception()
        if error is None and len(done.result()) == len(group):
            return done.result()
        if isinstance(error, SyncError):
            return [error] * len(group)
        self._log.error("store_failed", exc_info=error, group=len(group))
        return [Retry("The store failed in an unexpected way.")] * len(group)

    def _give_up(self, group: list[_Waiter]) -> None:
        """The commit may still succeed; its senders deliver again then, and are duplicates."""
        self._silent = True
        for waiter in group + self._waiting:
            _resolve(waiter, Retry("The store does not answer."))
        self._waiting = []


def _resolve(waiter: _Waiter, outcome: Outcome) -> None:
    if waiter.result.done():  # the client has left, or we gave up on the store
        return
    if isinstance(outcome, SyncError):
        waiter.result.set_exception(outcome)
    else:
        waiter.result.set_result(outcome)
