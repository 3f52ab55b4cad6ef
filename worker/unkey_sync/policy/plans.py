"""[[plans]]: what a plan grants, and which purchases mean it."""

from __future__ import annotations

import math
from collections import Counter
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from unkey_sync.policy.credits import Credits  # noqa: TC001  -- pydantic reads annotations
from unkey_sync.policy.shape import LARGEST_NUMBER, Many, Name, Section, Window

RESERVED_META = "sync"
"""The one top-level field of an identity's meta that is ours."""

MAX_META_FIELDS = 99
"""Unkey allows 100 top-level fields (Unkey OpenAPI); one is `sync`."""

MAX_META_BYTES = 10_000
"""Unkey's advice for meta; a meta near its limit of 1 MiB breaks the listing of all identities."""

_Text = Annotated[str, Field(min_length=1, max_length=255)]
_Positive = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]


class MatchRule(Section):
    """A purchase that means this plan. Every selector that is given must hold for the same item."""

    source: _Text
    """Name of the configured billing source."""
    lookup_key: _Text | None = None
    """The price's lookup key, or the plan's slug or code."""
    plan: _Text | None = None
    """The same as `lookup_key`, for sources that speak of plans."""
    product: _Text | None = None
    """The source's product id."""
    price: _Text | None = None
    """The source's price id."""
    entitlement: _Text | None = None
    """Lookup key of an entitlement that the customer holds, independent of subscriptions."""

    @model_validator(mode="after")
    def _check_selectors(self) -> MatchRule:
        selectors = (self.lookup_key, self.plan, self.product, self.price)
        if self.entitlement is None and not any(selectors):
            raise ValueError("needs one of lookup_key, plan, product, price, entitlement")
        if self.entitlement is not None and any(selectors):
            raise ValueError("entitlement stands alone: an entitlement is no item of a subscription")
        if self.lookup_key and self.plan:
            raise ValueError("lookup_key and plan mean the same; give one")
        return self


class RateLimitRule(Section):
    """A rate limit shared by all keys of the identity."""

    name: Annotated[str, Field(min_length=3, max_length=128)]
    """Unkey's name of the limit, 3 to 128 characters."""
    limit: _Positive
    """Requests allowed in each window."""
    duration: Window
    """Length of the window, at least 1s."""
    auto_apply: bool = True
    """Checked at every verification, without being named there."""
    per_seat: bool = False
    """The limit is multiplied by the number of seats."""


def _check_ratelimits(limits: tuple[RateLimitRule, ...]) -> tuple[RateLimitRule, ...]:
    twice = [name for name, count in Counter(limit.name for limit in limits).items() if count > 1]
    if twice:
        raise ValueError(f"rate limit names must differ; given twice: {', '.join(sorted(twice))}")
    return limits


def _check_meta(meta: dict[str, Any]) -> dict[str, Any]:
    if RESERVED_META in meta:
        raise ValueError(f"`{RESERVED_META}` is reserved for our own block; rename the field")
    cleaned = {name: _clean_json(value) for name, value in meta.items()}
    size = len(repr(cleaned).encode("utf-8", "replace"))
    if size > MAX_META_BYTES:
        raise ValueError(f"must be smaller than {MAX_META_BYTES} bytes: every verification carries it")
    return cleaned


def _clean_json(value: object) -> object:
    """The value as it will come back from Unkey. Raises `ValueError` for what JSON or a float cannot hold."""
    if isinstance(value, dict):
        return {name: _clean_json(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_clean_json(inner) for inner in value]
    if isinstance(value, float):
        return _clean_float(value)
    return _clean_scalar(value)


def _clean_float(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("holds nan or inf, which JSON does not know")
    return int(value) if value.is_integer() and abs(value) <= LARGEST_NUMBER else value


def _clean_scalar(value: object) -> object:
    if not isinstance(value, str | int):
        raise ValueError("holds a date or time; write it as a string")  # noqa: TRY004  -- for pydantic
    if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        raise ValueError("holds a number above 2^53, which Unkey would change; write it as a string")
    return value


class PlanIdentity(Section):
    """What the identity carries while its subject is on the plan."""

    ratelimits: Annotated[Many[RateLimitRule], Field(max_length=50), AfterValidator(_check_ratelimits)] = ()
    """Rate limits of the identity; exactly these, nothing else."""
    meta: Annotated[dict[str, Any], AfterValidator(_check_meta)] = Field(
        default_factory=dict, max_length=MAX_META_FIELDS
    )
    """Fields merged at the top level of the identity's meta; they go with the plan."""


class PlanKey(Section):
    """What each key of the subject carries."""

    credits: Credits | None = None
    """Without it a key is unlimited."""
    trial_credits: Credits | None = None
    """Instead of `credits` while the subscription is on trial."""
    roles: Annotated[Many[Name], Field(max_length=100)] = ()
    """Roles of keys owned by the subject."""


class PlanSpec(Section):
    """One plan."""

    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
    """Unique; stands in the identity's meta and in every explanation."""
    default: bool = False
    """The plan of subjects that bought nothing. At most one."""
    rank: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    """Of several plans that a subject has, the highest rank counts. Different for all plans with `match`."""
    match: Annotated[Many[MatchRule], Field(max_length=200)] = ()
    """Purchases that mean this plan; any one is enough."""
    identity: PlanIdentity = PlanIdentity()
    key: PlanKey = PlanKey()
