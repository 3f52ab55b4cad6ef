"""A key's credits, as a plan gives them: the balance it starts with, its refill, what a change of plan does to it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unkey_sync.policy.shape import LARGEST_NUMBER, Section

_Count = Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]
_Positive = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]


class Refill(Section):
    """When the remaining credits are set back to `amount` (at 00:00 UTC)."""

    interval: Literal["daily", "monthly"]
    amount: _Positive
    """What the balance is set to, not what is added."""
    day: Annotated[int, Field(ge=1, le=31)] | None = None
    """Monthly only: day of the month, or the month's last day if that is earlier. Unkey's `refillDay`."""

    @model_validator(mode="after")
    def _check_day(self) -> Refill:
        if self.interval == "monthly" and self.day is None:
            raise ValueError("a monthly refill needs `day`, 1 to 31")
        if self.interval == "daily" and self.day is not None:
            raise ValueError("a daily refill has no `day`")
        return self


class Credits(Section):
    """How many verifications a key may still pay for."""

    remaining: _Count
    """The balance that a new key starts with."""
    refill: Refill | None = None
    on_change: Literal["reset", "carry"] = "reset"
    """A change to this plan sets the balance anew, or carries what was spent: a larger plan adds the difference,
    a smaller one only caps the balance."""
