"""One subject's turn: settle doubts, compute, make the calls one after another, say how it ended.

Runs in a lane thread, touches no database. Everything it does may be done again after a crash: calls are absolute,
and what an earlier turn left uncertain is written again in full.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from unkey_sync.clock import SECOND
from unkey_sync.desired import compute_desired
from unkey_sync.diff import Moment, compute_operations
from unkey_sync.engine.session import Session
from unkey_sync.engine.work import Result
from unkey_sync.errors import LostLease, Park, Relink, Retry, SyncError, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.clock import Clock
    from unkey_sync.diff import Plan
    from unkey_sync.engine.calls import Calls
    from unkey_sync.engine.doubts import Doubts
    from unkey_sync.engine.work import Work
    from unkey_sync.model import Desired, World
    from unkey_sync.policy import Policy

_STEPS = 2_000
"""More calls than any subject can need in one turn; beyond it the plan and Unkey disagree for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decisions are made from. `settle_s`: how long a 404 or a listing after a write proves nothing."""

    policy: Policy
    fingerprint: str
    world: World
    settle_s: float


class Performer:
    """Takes turns."""

    def __init__(self, rules: Rules, calls: Calls, doubts: Doubts, clock: Clock) -> None:
        self._rules = rules
        self._calls = calls
        self._doubts = doubts
        self._clock = clock
        self._settle_us = int(rules.settle_s * SECOND)

    def idle(self, work: Work) -> Result | None:
        """The result of a turn that changes nothing and needs no call; None when a real turn is needed."""
        inputs = work.inputs(self._rules.fingerprint)
        if work.claim.uncertain or work.claim.inputs != inputs or self._doubts.any_in(work):
            return None
        changes_at = work.claim.changes_at
        if changes_at is not None and changes_at <= self._clock.now():
            return None
        return Result(work=work, inputs=inputs)

    def run(self, work: Work) -> Result:
        """Take the turn. Errors of the reaction tree come back in the result."""
        session = Session(work, self._clock)
        error: SyncError | None = None
        look_again_at: int | None = None
        try:
            self._doubts.settle(session)
            look_again_at = self._converge(session)
        except SyncError as caught:
            error = caught
        return session.result(error, look_again_at, self._rules.fingerprint, self._doubts.unanswerable(work))

    def preview(self, work: Work) -> tuple[Desired, Plan]:
        """What a turn would begin with; no call is made."""
        session = Session(work, self._clock)
        return self._plan(session)

    def _converge(self, session: Session) -> int | None:
        for _ in range(_STEPS):
            desired, plan = self._plan(session)
            session.aim_for(desired)
            if session.uncertain:
                self._guarded(session, partial(self._calls.recover, session, desired, self._settle_us))
            elif plan.operations:
                self._guarded(session, partial(self._calls.make, session, plan.operations[0]))
            else:
                return plan.look_again_at
        raise Park("more calls than a subject can need: Unkey does not become what was written")

    def _plan(self, session: Session) -> tuple[Desired, Plan]:
        now = self._clock.now()
        desired = compute_desired(session.state, self._rules.policy, self._rules.world, now)
        moment = Moment(now=now, settle_us=self._settle_us)
        return desired, compute_operations(desired, session.observed, moment)

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
        created = session.created_at
        young = created is not None and self._clock.now() - created < self._settle_us
        if young or session.relinked:
            raise Retry("Unkey does not show the identity yet", operation=lost.operation) from lost
        session.relinked = True
        session.observed = replace(session.observed, identity_id=None, meta={}, ratelimits=())
