"""[[keys]], [key_roles], [handover], [drift] and [guard]: key slots and what becomes of keys. Acted on elsewhere."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from unkey_sync.clock import DAY, SECOND
from unkey_sync.policy.shape import Duration, Section, Window


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
    strategy: Literal["create", "migrate"] = "create"
    """Unkey makes the secret, or we make it and hand in its hash, which needs `unkey.migration_id`."""
    notify: bool = False
    """Vault only: the hand-over URL is told, without the key, that a new key waits to be read."""
    rotate_every: Window | None = None
    """Age at which the key is replaced. Default: never."""
    overlap: Duration = DAY
    """How long the key before a rotation still works."""

    @model_validator(mode="after")
    def _check_notify(self) -> Self:
        if self.notify and self.deliver != "vault":
            raise ValueError('`notify` goes with `deliver = "vault"`: a webhook brings the key itself')
        return self

    @model_validator(mode="after")
    def _check_rotation(self) -> Self:
        if self.rotate_every is None:
            return self
        if self.deliver == "none":
            raise ValueError("`rotate_every` needs a `deliver` by which the owner gets the new key")
        if self.rotate_every <= self.overlap:
            raise ValueError("`rotate_every` must be longer than `overlap`")
        return self


class KeyRoles(Section):
    """Which keys of an identity hold the roles that plan and role mapping give."""

    scope: Literal["managed", "all"] = "managed"
    """The keys in slots, or also those that others made for the identity. Roles that this file does not name stay."""


class Drift(Section):
    """What others change in Unkey is seen, reported and put right."""

    look_every: Duration = 7 * DAY
    """How often each subject is read afresh from Unkey; `0s`: only when something about it changes."""


class Handover(Section):
    """What becomes of new keys that nobody takes."""

    expires: Window = 7 * DAY
    """How long a new key waits to be read or accepted."""
    unfetched: Literal["rotate", "revoke", "keep"] = "rotate"
    """Then: make another one, leave the slot empty, or wait on."""


class MaxRemovals(Section):
    """More removals than this within the window wait for a person."""

    count: Annotated[int, Field(ge=1, le=1_000_000)] = 50
    percent: Annotated[int, Field(ge=1, le=100)] = 10
    """Percent of all subjects."""
    window: Window = 3600 * SECOND


class Guard(Section):
    max_removals: MaxRemovals = MaxRemovals()
