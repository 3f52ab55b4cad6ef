"""Key slots: desired x observed -> the next calls on keys. Pure.

Exactly one usable key per slot and generation, through an API that cannot repeat a creation: a key is made
disabled, written down, and only then armed; what was made and never written down stays disabled and is swept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unkey_sync.diff_credits import plan_credits, quota_json
from unkey_sync.model import AT_ONCE, REVOKED, Access, Call, Operation, current_key, rotation_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from unkey_sync.model import Desired, DesiredKey, Moment, Observed, ObservedKey


def plan_slots(desired: Desired, observed: Observed, moment: Moment) -> Iterator[Operation]:
    """What is left to do for the slots of a subject whose identity is in order."""
    if desired.access is not Access.ENABLED:
        return
    wanted = {key.slot: key for key in desired.keys}
    for key in desired.keys:
        yield from _fill(key, desired, observed, moment)
    for held in observed.keys or ():
        if held.slot is not None and held.slot not in wanted and held.enabled:
            yield _patch(held, {"enabled": False}, f"slot {held.slot.name} is no longer wanted")
    yield from sweep_orphans(observed, moment.now)


def plan_others(desired: Desired, observed: Observed) -> Iterator[Operation]:
    """Managed roles of keys that others made: given first, then taken; what is not managed is not touched."""
    if desired.others is None:
        return
    wanted, managed = desired.others.wanted, desired.others.managed
    for key in observed.keys or ():
        if key.slot is not None or key.orphan:
            continue
        for call, roles in (
            (Call.ADD_ROLES, wanted - key.roles),
            (Call.REMOVE_ROLES, (key.roles & managed) - wanted),
        ):
            if roles:
                yield Operation(
                    call=call,
                    target=key.key_id,
                    before={"roles": sorted(key.roles)},
                    after={"roles": sorted(roles)},
                    why="roles of plan and membership, for all keys",
                )


def sweep_orphans(observed: Observed, now: int) -> Iterator[Operation]:
    """Remove the inert traces of lost answers, once they are old enough to be nothing else."""
    if observed.orphans_due_at is None or now < observed.orphans_due_at:
        return
    for key in observed.keys or ():
        if key.orphan:
            yield Operation(
                call=Call.DELETE_KEY, target=key.key_id, why="trace of a lost answer, never enabled"
            )


def needs_orphan_listing(observed: Observed, now: int) -> bool:
    """True when it is time to look for traces and the last listing is older than that time."""
    due = observed.orphans_due_at
    return (
        due is not None and now >= due and (observed.keys_listed_at is None or observed.keys_listed_at < due)
    )


def _fill(key: DesiredKey, desired: Desired, observed: Observed, moment: Moment) -> Iterator[Operation]:
    rotation = rotation_of(observed.rotations, key.slot)
    current = current_key(observed, key.slot)
    held = [one for one in observed.keys or () if one.slot == key.slot]
    older = [one for one in held if one.generation < rotation.generation]
    for one in older:
        if rotation.ends_at_once(one):
            yield from _end(one, moment.now)
    if rotation.overlap_until == REVOKED:
        return
    if current is None:
        yield _create(key, rotation.generation, desired)
        return
    yield from plan_credits(key, current, desired, observed, moment)
    yield from _keep(key, current)
    if current.enabled and rotation.overlap_until > AT_ONCE:
        yield from _retire(older, rotation.overlap_until)


def _keep(key: DesiredKey, held: ObservedKey) -> Iterator[Operation]:
    if held.roles != key.roles:
        yield Operation(
            call=Call.SET_ROLES,
            target=held.key_id,
            before={"roles": sorted(held.roles)},
            after={"roles": sorted(key.roles)},
            why="roles of plan and membership",
        )
    if held.expires_at is not None:
        yield _patch(held, {"expires_at": None}, "others let it expire")
    if not held.armed:
        yield _patch(held, {"enabled": True}, "written down, so it may be used")


def _end(key: ObservedKey, now: int) -> Iterator[Operation]:
    """Disabled and expired: neither a regained access nor a later rotation can bring it back."""
    if not key.armed:
        yield Operation(call=Call.DELETE_KEY, target=key.key_id, why="revoked before it was ever used")
    elif key.enabled or key.expires_at is None or key.expires_at > now:
        yield _patch(key, {"enabled": False, "expires_at": now}, "revoked")


def _retire(older: Iterable[ObservedKey], until: int) -> Iterator[Operation]:
    """The key before a rotation ends at a fixed instant, so that saying it twice changes nothing."""
    for key in older:
        if not key.armed:
            yield Operation(call=Call.DELETE_KEY, target=key.key_id, why="replaced before it was ever used")
        elif key.expires_at is None or key.expires_at > until:
            yield _patch(key, {"expires_at": until}, "rotated")


def _create(key: DesiredKey, generation: int, desired: Desired) -> Operation:
    return Operation(
        call=Call.MIGRATE_KEYS if key.imported else Call.CREATE_KEY,
        target=desired.external_id,
        after={
            "slot": key.slot.name,
            "member": key.slot.member,
            "generation": generation,
            "prefix": key.prefix,
            "roles": sorted(key.roles),
            "credits": quota_json(key),
            "deliver": key.deliver,
            "notify": key.notify,
        },
        why=f"slot {key.slot.name} is empty",
    )


def _patch(key: ObservedKey, after: dict[str, Any], why: str) -> Operation:
    before = {name: getattr(key, name) for name in after}
    return Operation(call=Call.UPDATE_KEY, target=key.key_id, before=before, after=after, why=why)
