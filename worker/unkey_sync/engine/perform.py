"""One subject's turn: settle doubts, compute, make the calls one after another, say how it ended.

Runs in a lane thread, touches no database. Everything it does may be done again after a crash: calls are
absolute, and what an earlier turn left uncertain is written again in full.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from unkey_sync.engine.session import Session
from unkey_sync.engine.work import Result
from unkey_sync.errors import LostLease, Park, Relink, Retry, SyncError, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.clock import Clock
    from unkey_sync.engine.calls import Calls
    from unkey_sync.engine.doubts import Doubts
    from unkey_sync.engine.planner import Planner
    from unkey_sync.engine.work import Work

_STEPS = 2_000
"""More calls than any subject can need in one turn; beyond it the plan and Unkey disagree for ever."""


class Performer:
    """Takes turns."""

    def __init__(self, planner: Planner, calls: Calls, doubts: Doubts, clock: Clock) -> None:
        self._planner = planner
        self._calls = calls
        self._doubts = doubts
        self._clock = clock

    def idle(self, work: Work) -> Result | None:
        """The result of a turn that changes nothing and needs no call; None when a real turn is needed."""
        inputs = work.inputs(self._planner.fingerprint)
        if (
            work.claim.uncertain
            or work.claim.look
            or work.claim.inputs != inputs
            or self._doubts.any_in(work)
        ):
            return None
        changes_at = work.claim.changes_at
        if changes_at is not None and changes_at <= self._clock.now():
            return None
        return Result(work=work, inputs=inputs)

    def run(self, work: Work) -> Result:
        """Take the turn. Errors of the reaction tree come back in the result."""
        session = Session(work, self._clock, self._planner.settle_us)
        error: SyncError | None = None
        look_again_at: int | None = None
        try:
            self._doubts.settle(session)
            look_again_at = self._converge(session)
        except SyncError as caught:
            error = caught
        return session.result(
            error, look_again_at, self._planner.fingerprint, self._doubts.unanswerable(work)
        )

    def _converge(self, session: Session) -> int | None:
        for _ in range(_STEPS):
            desired, plan = self._planner.plan(session.state, session.observed)
            session.aim_for(desired)
            if session.uncertain:
                self._guarded(
                    session, partial(self._calls.recover, session, desired, self._planner.settle_us)
                )
            elif session.looking:
                self._guarded(session, partial(self._calls.look, session, desired))
            elif plan.operations:
                self._guarded(session, partial(self._calls.make, session, plan.operations[0]))
                if session.pause:
                    return self._clock.now()
            else:
                return plan.look_again_at
        raise Park("more calls than a subject can need: Unkey does not become what was written")

    def _guarded(self, session: Session, call: Callable[[], None]) -> None:
        """Make one call under the lease, and turn "Unkey lost it" into a rebuild once that is proven."""
        if self._clock.monotonic() >= session.work.deadline:
            raise LostLease
        try:
            call()
        except Unknown:
            session.uncertain_end = True
            raise
        except Relink as lost:
            self._relink(session, lost)

    def _relink(self, session: Session, lost: Relink) -> None:
        if not lost.operation.startswith("identities."):
            raise Retry(str(lost), operation=lost.operation, request_id=lost.request_id) from lost
        created = session.created_at
        young = created is not None and self._clock.now() - created < self._planner.settle_us
        if young or session.relinked:
            raise Retry("Unkey does not show the identity yet", operation=lost.operation) from lost
        session.relinked = True
        session.note_lost_identity()
        session.observed = replace(session.observed, identity_id=None, meta={}, ratelimits=())
        session.doubt_keys()  # they outlived their identity, unlimited: they are put under the new one
