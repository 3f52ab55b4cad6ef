"""Desired x Observed -> the Unkey calls that move one to the other, in their safe order. Pure and total.

Closing (suspended, retained, removed) deals with keys first, as deleting an identity leaves its keys valid,
unlimited and unfindable: disabled, verified and, where nothing is to stay, erased. Opening sets limits first, so
that no key works without them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from unkey_sync.diff_credits import credits_due_at
from unkey_sync.diff_keys import needs_orphan_listing, plan_others, plan_slots
from unkey_sync.model import Access, Call, Operation, rotation_of, same_json
from unkey_sync.policy.plans import RESERVED_META

if TYPE_CHECKING:
    from unkey_sync.model import Desired, Moment, Observed, ObservedKey, RateLimit, Slot


@dataclass(frozen=True, slots=True)
class Plan:
    """Calls to make now, in this order, and the instant at which to compute again if none is left.

    What depends on a listing is not planned before it: record what LIST_KEYS says and compute again.
    """

    operations: tuple[Operation, ...] = ()
    look_again_at: int | None = None


def compute_operations(desired: Desired, observed: Observed, moment: Moment) -> Plan:
    """The next calls for one subject. No operations and no `look_again_at`: Unkey is as desired."""
    if desired.access is Access.WAITING:
        return Plan()
    if desired.access is Access.ENABLED:
        return _open(desired, observed, moment)
    if desired.access is not Access.SUSPENDED and observed.identity_id is None and observed.removed:
        return Plan()
    return _close(desired, observed, moment)


def owned_fields(meta: dict[str, Any]) -> frozenset[str]:
    """The top-level fields of an identity's meta that are ours, by its own `sync` block."""
    sync = meta.get(RESERVED_META)
    fields = sync.get("fields") if isinstance(sync, dict) else None
    named = fields if isinstance(fields, list) else []
    return frozenset({RESERVED_META, *(name for name in named if isinstance(name, str))})


def _open(desired: Desired, observed: Observed, moment: Moment) -> Plan:
    """Limits first, then what keys hold, then the keys that were shut come back."""
    if observed.identity_id is not None and needs_orphan_listing(observed, moment.now):
        return Plan((_list_keys(desired, observed, "look for traces of lost answers"),))
    if observed.identity_id is not None and desired.others is not None and not observed.keys_listed_at:
        return Plan((_list_keys(desired, observed, "find the keys that others made"),))
    operations = (
        *_shape_identity(desired, observed),
        *plan_slots(desired, observed, moment),
        *_enable_keys(desired, observed, moment.now),
        *plan_others(desired, observed),
    )
    if operations:
        return Plan(operations)
    later = (observed.orphans_due_at, credits_due_at(desired, observed, moment))
    return Plan(look_again_at=min((one for one in later if one is not None), default=None))


def _close(desired: Desired, observed: Observed, moment: Moment) -> Plan:
    disable = tuple(_switch(key, desired, enabled=False) for key in observed.keys or () if key.enabled)
    if observed.keys is None or observed.fenced_at is None:
        return Plan((*disable, _list_keys(desired, observed, "find all keys before anything else")))
    shape = _shape_identity(desired, observed) if desired.access is Access.SUSPENDED else ()
    if disable or shape:
        return Plan((*disable, *shape))
    return _verify(desired, observed, moment)


def _verify(desired: Desired, observed: Observed, moment: Moment) -> Plan:
    """A key whose creation was under way, or a replica that lagged, shows up within the settle time."""
    proven_from = max(observed.fenced_at or 0, desired.removed_since or 0) + moment.settle_us
    if observed.keys_listed_at is not None and observed.keys_listed_at >= proven_from:
        return Plan(_erase(desired, observed) if desired.access is Access.REMOVED else ())
    if moment.now < proven_from:
        return Plan(look_again_at=proven_from)
    return Plan((_list_keys(desired, observed, "make sure that no key was missed"),))


def _erase(desired: Desired, observed: Observed) -> tuple[Operation, ...]:
    """Keys first: without their identity nobody would find them again."""
    keys = tuple(
        Operation(call=Call.DELETE_KEY, target=key.key_id, why=_why(desired, "access"))
        for key in observed.keys or ()
    )
    if not keys and observed.identity_id is None:
        return ()
    return (*keys, _delete(desired, observed))


def _shape_identity(desired: Desired, observed: Observed) -> tuple[Operation, ...]:
    wanted_meta = _merge_meta(desired, observed)
    if observed.identity_id is None:
        after = {"meta": desired.meta, "ratelimits": _to_json(desired.ratelimits)}
        return (_identity(Call.CREATE_IDENTITY, desired, {}, after),)
    before, after = _changes(desired, observed, wanted_meta)
    return (_identity(Call.UPDATE_IDENTITY, desired, before, after),) if after else ()


def _changes(
    desired: Desired, observed: Observed, wanted_meta: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    if not same_json(wanted_meta, observed.meta):
        before["meta"], after["meta"] = observed.meta, wanted_meta
    if sorted(desired.ratelimits) != sorted(observed.ratelimits):
        before["ratelimits"] = _to_json(observed.ratelimits)
        after["ratelimits"] = _to_json(desired.ratelimits)
    return before, after


def _merge_meta(desired: Desired, observed: Observed) -> dict[str, Any]:
    """Unkey replaces meta whole: others' fields are carried along, ours are exactly the desired ones."""
    ours = observed.owned_fields | owned_fields(observed.meta) | desired.meta.keys()
    foreign = {name: value for name, value in observed.meta.items() if name not in ours}
    return foreign | desired.meta


def _enable_keys(desired: Desired, observed: Observed, now: int) -> tuple[Operation, ...]:
    """Only keys that we disabled, or were about to: what its owner switched off stays off, and so does what ended."""
    wanted = {key.slot for key in desired.keys}
    ours = [key for key in observed.keys or () if key.disabled_by_us]
    return tuple(
        _switch(key, desired, enabled=True)
        for key in ours
        if key.slot is None or (key.slot in wanted and not _is_over(key, key.slot, observed, now))
    )


def _is_over(key: ObservedKey, slot: Slot, observed: Observed, now: int) -> bool:
    expired = key.expires_at is not None and key.expires_at <= now
    return expired or rotation_of(observed.rotations, slot).ends_at_once(key)


def _switch(key: ObservedKey, desired: Desired, *, enabled: bool) -> Operation:
    return Operation(
        call=Call.UPDATE_KEY,
        target=key.key_id,
        before={"enabled": key.enabled},
        after={"enabled": enabled},
        why=_why(desired, "access"),
    )


def _list_keys(desired: Desired, observed: Observed, why: str) -> Operation:
    known = {} if observed.keys is None else {"keys": len(observed.keys)}
    return Operation(call=Call.LIST_KEYS, target=desired.external_id, before=known, why=why)


def _delete(desired: Desired, observed: Observed) -> Operation:
    before = {"meta": observed.meta, "ratelimits": _to_json(observed.ratelimits)}
    return Operation(
        call=Call.DELETE_IDENTITY, target=desired.external_id, before=before, why=_why(desired, "access")
    )


def _identity(call: Call, desired: Desired, before: dict[str, Any], after: dict[str, Any]) -> Operation:
    return Operation(
        call=call, target=desired.external_id, before=before, after=after, why=_why(desired, "plan")
    )


def _why(desired: Desired, field: str) -> str:
    """`plan pro by plans[1].match[0]`."""
    reasons = (reason for reason in desired.reasons if reason.field == field)
    return next((f"{field} {reason.value} by {reason.rule}" for reason in reasons), field)


def _to_json(limits: tuple[RateLimit, ...]) -> list[dict[str, Any]]:
    return [asdict(limit) for limit in sorted(limits)]
