"""Turning a slot: the next generation is wanted, or none at all. The engine makes Unkey follow.

The decisions are pure; writing one down is compare-and-set, so that two who decide at once turn it once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync.ledger.subject_rows import LIVE
from unkey_sync.model import AT_ONCE, REVOKED, Observed, Rotation, rotation_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.ledger.store import Tx
    from unkey_sync.model import Slot

    Decide = Callable[[Observed, Slot], Rotation | None]


def to_rotated(observed: Observed, slot: Slot, overlap_until: int) -> Rotation | None:
    """What to want of the slot so that its key is replaced; None when that is under way already.

    `overlap_until`: an instant or `AT_ONCE`. A revoked slot gets a key again. A rotation under way is not
    begun a second time; it only becomes more urgent.
    """
    rotation = rotation_of(observed.rotations, slot)
    if rotation.overlap_until == REVOKED:
        return Rotation(slot, rotation.generation, AT_ONCE)
    if any(key.slot == slot and key.generation == rotation.generation for key in observed.keys or ()):
        return Rotation(slot, rotation.generation + 1, overlap_until)
    if rotation.generation > 1 and overlap_until < rotation.overlap_until:
        return Rotation(slot, rotation.generation, overlap_until)
    return None


def to_revoked(observed: Observed, slot: Slot) -> Rotation | None:
    """What to want of the slot so that it is empty; None when it is meant to be."""
    rotation = rotation_of(observed.rotations, slot)
    if rotation.overlap_until == REVOKED:
        return None
    return Rotation(slot, rotation.generation + 1, REVOKED)


def to_without_older(observed: Observed, slot: Slot) -> Rotation | None:
    """What to want of the slot so that only its newest key is left."""
    rotation = rotation_of(observed.rotations, slot)
    if rotation.overlap_until <= AT_ONCE:
        return None
    return Rotation(slot, rotation.generation, AT_ONCE)


def turn(tx: Tx, subject: str, slot: Slot, decide: Decide, now: int) -> bool:
    """Decide on what the ledger says and write it down; False when there is nothing to do."""
    row = tx.identities.load([subject]).get(subject)
    observed = row.observed if row else Observed()
    before = next((one for one in observed.rotations if one.slot == slot), None)
    after = decide(observed, slot)
    if after is None or not tx.keys.turn(subject, before, after):
        return False
    if after.generation != rotation_of(observed.rotations, slot).generation:
        tx.keys.supersede(subject, slot, now)
    tx.subjects.mark_due({subject: LIVE})
    return True
