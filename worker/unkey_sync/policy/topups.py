"""[[top_ups]]: credits that are bought once, and which purchases mean them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from unkey_sync.policy.plans import MatchRule  # noqa: TC001  -- pydantic reads annotations
from unkey_sync.policy.shape import LARGEST_NUMBER, Many, Section


class TopUpRule(Section):
    """Credits added to a key's balance for each piece of a one-time purchase, exactly once."""

    match: Annotated[Many[MatchRule], Field(min_length=1, max_length=200)]
    """Purchases that mean these credits; any one is enough."""
    credits: Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
    """Credits for one piece."""
    slot: Annotated[str, Field(min_length=1, max_length=64)] = "default"
    """Slot of the key that gets them; one key per subject."""

    @model_validator(mode="after")
    def _check_match(self) -> Self:
        if any(rule.entitlement for rule in self.match):
            raise ValueError(
                "an entitlement is not bought by the piece: match a product, a price or a lookup key"
            )
        return self
