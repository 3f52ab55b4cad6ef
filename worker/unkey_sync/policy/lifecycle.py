"""[lifecycle]: what an account or a subscription that is not simply alive means for access."""

from __future__ import annotations

from typing import Literal

from unkey_sync.clock import DAY
from unkey_sync.policy.shape import Duration, Section

Lapse = Literal["suspend", "default_plan"]
"""What follows when nothing paid is left: keys disabled and everything kept, or the default plan."""

Block = Literal["suspend", "keep"]
"""What a blocked account means: keys disabled and everything kept, or nothing."""


class PastDue(Section):
    grace: Duration = 7 * DAY
    """How long the plan stays after a payment failed."""
    then: Lapse = "suspend"


class Canceled(Section):
    access: Literal["until_period_end", "now"] = "until_period_end"
    """`now` takes the plan away although it is paid for."""
    then: Lapse = "default_plan"


class Trialing(Section):
    grace: Duration = 0
    """How long a trial outlives its end while no newer word from the source comes."""
    then: Lapse = "default_plan"


class Deleted(Section):
    disable: Literal["now"] = "now"
    """Keys of a deleted subject stop working at once."""
    erase_after: Duration = 0
    """How long keys (disabled) and identity are kept after the deletion."""


class Lifecycle(Section):
    past_due: PastDue = PastDue()
    """A payment failed."""
    canceled: Canceled = Canceled()
    """A subscription will not renew, or is over."""
    trialing: Trialing = Trialing()
    """A trial."""
    paused: Literal["suspend", "default_plan", "keep"] = "default_plan"
    """A paused subscription; `keep` leaves its plan."""
    banned: Block = "suspend"
    """The auth source banned the account."""
    locked: Block = "suspend"
    """The auth source locked the account for a while, e.g. after wrong passwords."""
    deprovisioned: Block = "suspend"
    """The directory took the account away."""
    deleted: Deleted = Deleted()
    """The auth source deleted the account."""
