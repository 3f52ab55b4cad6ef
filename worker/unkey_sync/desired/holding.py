"""The plan that a subject is on, and what made it so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unkey_sync.desired.purchases import Purchase
    from unkey_sync.policy import PlanSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """The plan that a subject is on, and why. `purchase` is None for the default plan and for no plan."""

    plan: PlanSpec | None
    rule: str
    purchase: Purchase | None = None
    lapsed: Purchase | None = None
    """The purchase whose lapse suspends access."""
    ending: Purchase | None = None
    """The purchase whose end is the next change."""
