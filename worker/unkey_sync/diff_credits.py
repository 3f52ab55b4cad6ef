"""Credits of keys in slots: desired x observed -> the next write of a balance. Pure.

A plan's quota alone is absolute and simply sent. Where credits were bought, or what was spent is carried from plan to
plan, the balance must be read first (see balances.py), and a reading proves nothing before Unkey has settled.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from unkey_sync.model import Call, Operation, current_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from unkey_sync.model import Desired, DesiredKey, Moment, Observed, ObservedKey, TopUp

MOVED = "moved:"
"""Id of the top-up that brings a key what its predecessor had left: this, and the predecessor's key id."""


def plan_credits(
    key: DesiredKey, held: ObservedKey, desired: Desired, observed: Observed, moment: Moment
) -> Iterator[Operation]:
    """The write that is due for this key, if any."""
    top_ups = _top_ups(key, held, desired, observed, moment)
    if held.quota == key.quota and not top_ups:
        return
    if not _is_account(key, held, desired) and not top_ups:
        yield _operation(held, {"credits": quota_json(key)}, "the plan's credits")
    elif moment.now >= _settled_at(observed, moment):
        after = {"credits": quota_json(key), "carry": key.carry, "top_ups": top_ups}
        yield _operation(held, after, "credits that were bought" if top_ups else "the plan's credits")


def credits_due_at(desired: Desired, observed: Observed, moment: Moment) -> int | None:
    """The instant at which a write that has to wait can be made; None when none waits."""
    current = [(key, current_key(observed, key.slot)) for key in desired.keys]
    moments = [
        due
        for key, held in current
        if held is not None
        for due in _waits(key, held, desired, observed, moment)
        if due > moment.now
    ]
    return min(moments, default=None)


def quota_json(key: DesiredKey) -> dict[str, Any] | None:
    return asdict(key.quota) if key.quota else None


def _waits(
    key: DesiredKey, held: ObservedKey, desired: Desired, observed: Observed, moment: Moment
) -> Iterator[int]:
    differs = held.quota != key.quota and _is_account(key, held, desired)
    if differs or _top_ups(key, held, desired, observed, moment):
        yield _settled_at(observed, moment)
    if key.quota is not None:
        ends = (_ended_at(old, moment) for old in _predecessors(held, observed))
        yield from (end for end in ends if end is not None)


def _is_account(key: DesiredKey, held: ObservedKey, desired: Desired) -> bool:
    """True when the balance is more than what the plan says, so that it must be read before it is written."""
    return (
        key.carry or held.prepaid is not None or any(one.slot == key.slot.name for one in _of(key, desired))
    )


def _top_ups(
    key: DesiredKey, held: ObservedKey, desired: Desired, observed: Observed, moment: Moment
) -> dict[str, int | None]:
    """What is to be added, by id; None: as much as the predecessor has left. An unlimited key needs none."""
    if key.quota is None:
        return {}
    wanted: dict[str, int | None] = {}
    for one in _of(key, desired):
        given = one.id in observed.granted
        if one.refunded and given and one.refund_id not in observed.granted:
            wanted[one.refund_id] = -one.credits
        elif not one.refunded and not given:
            wanted[one.id] = one.credits
    for old in _predecessors(held, observed):
        ended = _ended_at(old, moment)
        if ended is not None and ended <= moment.now:
            wanted[MOVED + old.key_id] = None
    return wanted


def _of(key: DesiredKey, desired: Desired) -> Sequence[TopUp]:
    return [] if key.slot.member else [one for one in desired.top_ups if one.slot == key.slot.name]


def _predecessors(held: ObservedKey, observed: Observed) -> list[ObservedKey]:
    """Earlier keys of the slot that may hold bought credits."""
    return [
        old
        for old in observed.keys or ()
        if old.slot == held.slot and old.generation < held.generation and old.prepaid
    ]


def _ended_at(old: ObservedKey, moment: Moment) -> int | None:
    """From then on nobody spends of it, and what is read of it is what is left."""
    return None if old.expires_at is None else old.expires_at + moment.settle_us


def _settled_at(observed: Observed, moment: Moment) -> int:
    written = observed.balances_written_at
    return 0 if written is None else written + moment.settle_us


def _operation(held: ObservedKey, after: dict[str, Any], why: str) -> Operation:
    before = {"credits": asdict(held.quota) if held.quota else None}
    return Operation(call=Call.UPDATE_KEY, target=held.key_id, before=before, after=after, why=why)
