"""The decision for one subject: what Unkey should hold, and the calls that lead there. No I/O, no state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync.clock import SECOND
from unkey_sync.desired import compute_desired
from unkey_sync.diff import compute_operations
from unkey_sync.model import Moment

if TYPE_CHECKING:
    from unkey_sync.clock import Clock
    from unkey_sync.diff import Plan
    from unkey_sync.model import Desired, Observed, State, World
    from unkey_sync.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decisions are made from. `settle_s`: how long a 404 or a listing after a write proves nothing."""

    policy: Policy
    world: World
    settle_s: float


class Planner:
    """Decides at the clock's time."""

    def __init__(self, rules: Rules, clock: Clock) -> None:
        self._rules = rules
        self._clock = clock
        self.settle_us = int(rules.settle_s * SECOND)
        self.fingerprint = rules.policy.fingerprint

    def desired(self, state: State) -> Desired:
        return compute_desired(state, self._rules.policy, self._rules.world, self._clock.now())

    def plan(self, state: State, observed: Observed) -> tuple[Desired, Plan]:
        now = self._clock.now()
        desired = compute_desired(state, self._rules.policy, self._rules.world, now)
        return desired, compute_operations(desired, observed, Moment(now=now, settle_us=self.settle_us))
