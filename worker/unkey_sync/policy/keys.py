"""[[keys]] and [guard]: key slots, and the brake on mass removal. Checked here, acted on elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from unkey_sync.clock import SECOND
from unkey_sync.policy.shape import Section, Window


class KeySlot(Section):
    """A place for exactly one usable key."""

    slot: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
    """Unique name of the slot."""
    prefix: Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[a-zA-Z0-9_]+$")] | None = None
    """Prefix of the key, 1 to 16 of `[a-zA-Z0-9_]`."""
    per: Literal["subject", "member"] = "subject"
    """One key per subject, or one per member of the organisation."""
    deliver: Literal["none", "vault", "webhook"] = "vault"
    """How the key reaches its owner: not at all, sealed and read once, or a signed POST."""


class MaxRemovals(Section):
    """More removals than this within the window wait for a person."""

    count: Annotated[int, Field(ge=1, le=1_000_000)] = 50
    percent: Annotated[int, Field(ge=1, le=100)] = 10
    """Percent of all subjects."""
    window: Window = 3600 * SECOND


class Guard(Section):
    max_removals: MaxRemovals = MaxRemovals()
