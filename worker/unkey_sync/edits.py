"""What others changed in Unkey of what is ours: what we wrote last, beside what was read. Pure.

Whether a reading can be believed (Unkey's replicas lag behind a write) is the caller's business. Values of meta are
never told: they are somebody's data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync.model import UNKNOWN_QUOTA, UNKNOWN_ROLES, same_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from unkey_sync.model import Observed, ObservedKey, Quota, RateLimit
    from unkey_sync.unkey.models import Key


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """One field that is not as we left it. `target`: the external id, or the key's id."""

    target: str
    field: str
    expected: str = ""
    found: str = ""


def identity_edits(target: str, expected: Observed, found: Observed) -> Iterator[Edit]:
    """Rate limits, and the fields of meta that are ours. Others' fields are others' business."""
    for name in sorted(expected.owned_fields):
        if not same_json(expected.meta.get(name), found.meta.get(name)):
            yield Edit(target, f"meta.{name}")
    ours, theirs = _by_name(expected.ratelimits), _by_name(found.ratelimits)
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            yield Edit(target, f"ratelimits.{name}", _limit(ours.get(name)), _limit(theirs.get(name)))


def key_edits(expected: ObservedKey, listed: Key) -> Iterator[Edit]:
    """A key in a slot: what it holds, and whether it works. A spent balance is no edit."""
    if expected.enabled != listed.enabled:
        yield Edit(expected.key_id, "enabled", str(expected.enabled).lower(), str(listed.enabled).lower())
    if expected.slot is None:
        return
    if expected.roles not in (UNKNOWN_ROLES, frozenset(listed.roles)):
        yield Edit(expected.key_id, "roles", _names(expected.roles), _names(listed.roles))
    if expected.quota != UNKNOWN_QUOTA and _kind(expected.quota) != _kind_of(listed):
        yield Edit(expected.key_id, "credits", _kind(expected.quota), _kind_of(listed))
    expires = expected.expires_at // 1_000 if expected.expires_at is not None else None
    if expires != listed.expires:
        yield Edit(expected.key_id, "expires", str(expires or "never"), str(listed.expires or "never"))


def missing_key(expected: ObservedKey) -> Edit:
    """A key in a slot that Unkey no longer shows for its identity."""
    return Edit(expected.key_id, "identity", "listed", "not listed")


def missing_identity(target: str) -> Edit:
    return Edit(target, "identity", "there", "gone")


def _by_name(limits: Iterable[RateLimit]) -> dict[str, RateLimit]:
    return {limit.name: limit for limit in limits}


def _limit(limit: RateLimit | None) -> str:
    return "none" if limit is None else f"{limit.limit}/{limit.duration}ms auto_apply={limit.auto_apply}"


def _names(roles: Iterable[str]) -> str:
    return ", ".join(sorted(roles)) or "none"


def _kind(quota: Quota | None) -> str:
    """What of a quota does not move by itself."""
    if quota is None:
        return "unlimited"
    return f"{quota.interval} {quota.amount} {quota.day}" if quota.interval else "limited"


def _kind_of(listed: Key) -> str:
    credits = listed.credits
    if credits is None or credits.remaining is None:
        return "unlimited"
    refill = credits.refill
    return f"{refill.interval} {refill.amount} {refill.refill_day}" if refill else "limited"
