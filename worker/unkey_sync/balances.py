"""What a key's balance becomes when its quota changes or credits are bought or given back. Pure.

Unkey can set a balance repeatably but not add to it. So a balance is read, and what it becomes is written in one call
with a note of why, in the key's own meta: whatever became of the answer, the note says whether it has happened.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from unkey_sync.model import UNKNOWN_QUOTA, Quota
from unkey_sync.policy.shape import LARGEST_NUMBER

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTE = "credits"
"""The note's name in the key's `meta.sync`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """The last write of a balance: the quota in force, the bought part, the top-ups that may not be recorded yet."""

    quota: Quota | None
    prepaid: int = 0
    top_ups: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        quota = asdict(self.quota) if self.quota else None
        return {"quota": quota, "prepaid": self.prepaid, "top_ups": list(self.top_ups)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`top_ups`: credits by id; negative ones are taken back."""

    quota: Quota | None
    carry: bool = False
    top_ups: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A key's balance as Unkey shows it, and what is known of it. `quota` may be UNKNOWN_QUOTA."""

    remaining: int | None
    note: Note | None
    quota: Quota | None
    prepaid: int | None
    granted: frozenset[str]

    @property
    def truth(self) -> Note:
        """What is known and recorded; after an unknown outcome what the key says of itself."""
        in_doubt = self.quota == UNKNOWN_QUOTA or self.prepaid is None
        if self.note is not None and in_doubt:
            return self.note
        return Note(quota=self.quota, prepaid=self.prepaid or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """What to write: the balance (None: unlimited) and the note that goes with it."""

    remaining: int | None
    note: Note


def compute_write(account: Account, wanted: Wanted) -> Write | None:
    """None when everything wanted has happened already."""
    truth = account.truth
    landed = frozenset(account.note.top_ups) if account.note else frozenset()
    pending = {one: number for one, number in wanted.top_ups.items() if one not in landed}
    if truth.quota == wanted.quota and not pending:
        return None
    kept = _kept(truth.prepaid, account.remaining)
    names = (*sorted(landed - account.granted), *sorted(pending))
    if wanted.quota is None:
        return Write(remaining=None, note=Note(quota=None, prepaid=kept, top_ups=names))
    bought = sum(pending.values())
    remaining = _planned(account.remaining, kept, truth.quota, wanted) + kept + bought
    note = Note(quota=wanted.quota, prepaid=_count(kept + bought), top_ups=names)
    return Write(remaining=_count(remaining), note=note)


def read_note(meta: Mapping[str, Any]) -> Note | None:
    """The note in a key's meta; None for anything that is not one."""
    sync = meta.get("sync")
    note = sync.get(NOTE) if isinstance(sync, dict) else None
    if not isinstance(note, dict) or not _is_count(note.get("prepaid")):
        return None
    top_ups = note.get("top_ups")
    names = top_ups if isinstance(top_ups, list) else []
    return Note(
        quota=_read_quota(note.get("quota")),
        prepaid=int(note["prepaid"]),
        top_ups=tuple(name for name in names if isinstance(name, str)),
    )


def with_note(meta: Mapping[str, Any], note: Note) -> dict[str, Any]:
    """The key's meta with this note; Unkey replaces meta whole, so what others wrote is carried along."""
    sync = meta.get("sync")
    ours = sync if isinstance(sync, dict) else {}
    return {**meta, "sync": {**ours, NOTE: note.to_json()}}


def _planned(remaining: int | None, kept: int, before: Quota | None, wanted: Wanted) -> int:
    """The part of the balance that the plan gives. Raise by the difference, lower by capping: never below both."""
    quota = wanted.quota
    assert quota is not None  # noqa: S101  -- unlimited keys have no balance
    left = None if remaining is None else remaining - kept
    if left is not None and before == quota:
        return left
    if left is None or not wanted.carry or before is None or before == UNKNOWN_QUOTA:
        return quota.remaining
    more = quota.remaining - before.remaining
    return left + more if more > 0 else min(left, quota.remaining)


def _kept(prepaid: int, remaining: int | None) -> int:
    """The bought credits that are left: what the plan gives is spent first."""
    return prepaid if remaining is None else min(prepaid, remaining)


def _count(number: int) -> int:
    return max(0, min(number, LARGEST_NUMBER))


def _read_quota(value: object) -> Quota | None:
    """What no quota can be read from is a quota that nobody knows, so that it is written again."""
    if value is None:
        return None
    try:
        quota = Quota(**value) if isinstance(value, dict) else UNKNOWN_QUOTA
    except TypeError:
        return UNKNOWN_QUOTA
    return quota if _is_count(quota.remaining) and _is_count(quota.amount) else UNKNOWN_QUOTA


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
