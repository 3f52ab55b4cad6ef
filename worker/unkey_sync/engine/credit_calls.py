"""Writing a balance that has to be read first: two calls in two steps, so that each has a whole deadline of its own.

What is written and why is decided in balances.py.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Literal

from unkey_sync.balances import Account, Wanted, compute_write, read_note, with_note
from unkey_sync.diff_credits import MOVED
from unkey_sync.engine.observing import find_key, forget_key, put_key
from unkey_sync.errors import Relink
from unkey_sync.externalid import encode
from unkey_sync.model import UNKNOWN_QUOTA, Quota
from unkey_sync.unkey.wanted import Credits, KeyPatch, Refill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync.balances import Write
    from unkey_sync.engine.session import Session
    from unkey_sync.model import ObservedKey, Operation
    from unkey_sync.unkey.client import Unkey
    from unkey_sync.unkey.models import Key

_NOT_ASKED = object()


def write_balance(session: Session, unkey: Unkey, operation: Operation) -> None:
    """One step: read what is not read yet, or write."""
    top_ups: dict[str, int | None] = operation.after["top_ups"]
    predecessors = [one.removeprefix(MOVED) for one, number in top_ups.items() if number is None]
    for key_id in (*predecessors, operation.target):
        if key_id not in session.read_keys:
            session.read_keys[key_id] = _read(session, unkey, operation, key_id)
            return
    amounts = {one: _left(session, one) if number is None else number for one, number in top_ups.items()}
    _write(session, unkey, operation, amounts)


def to_credits(quota: Quota | None, remaining: int | None) -> Credits | None:
    """The whole block, as always: a refill that were left on an unlimited key would make it limited again."""
    if quota is None or remaining is None:
        return None
    if quota.interval is None:
        return Credits(remaining)
    interval: Literal["daily", "monthly"] = "daily" if quota.interval == "daily" else "monthly"
    return Credits(remaining, Refill(interval, quota.amount, quota.day))


def load_quota(row: dict[str, Any] | None) -> Quota | None:
    """The quota that an operation carries."""
    return Quota(**row) if row else None


def _read(session: Session, unkey: Unkey, operation: Operation, key_id: str) -> Key | None:
    """None: the key is gone."""
    try:
        return unkey.keys.get(key_id)
    except Relink:
        if key_id == operation.target:
            forget_key(session, operation)
        return None


def _left(session: Session, top_up: str) -> int:
    """What a predecessor has left. Of one that is gone only an upper bound is known."""
    old = find_key(session, top_up.removeprefix(MOVED))
    shown = session.read_keys[old.key_id]
    bought = old.prepaid or 0
    balance = shown.credits.remaining if shown is not None and shown.credits is not None else None
    return bought if balance is None else min(bought, balance)


def _write(session: Session, unkey: Unkey, operation: Operation, amounts: dict[str, int]) -> None:
    held = find_key(session, operation.target)
    shown = session.read_keys.pop(operation.target)
    if shown is None:
        return
    quota = load_quota(operation.after["credits"])
    account = Account(
        remaining=shown.credits.remaining if shown.credits else None,
        note=read_note(shown.meta),
        quota=held.quota,
        prepaid=held.prepaid,
        granted=session.observed.granted,
    )
    write = compute_write(account, Wanted(quota=quota, carry=operation.after["carry"], top_ups=amounts))
    patch = _patch(session, held, shown, quota, write)
    if patch != KeyPatch():
        session.note_balance_write()
        unkey.keys.update(held.key_id, patch)
    note = write.note if write else account.truth
    given = frozenset(write.note.top_ups) if write else frozenset()
    landed = frozenset(account.note.top_ups) if account.note else frozenset()
    put_key(session, replace(held, quota=quota, prepaid=note.prepaid))
    _settle(session, given | landed)
    session.record(_told(operation, write, amounts), "done" if write else "had happened")


def _patch(
    session: Session, held: ObservedKey, shown: Key, quota: Quota | None, write: Write | None
) -> KeyPatch:
    patch = KeyPatch()
    if write is not None:
        credits = to_credits(quota, write.remaining)
        patch = replace(patch, credits=credits, meta=with_note(shown.meta, write.note))
    if held.quota == UNKNOWN_QUOTA:  # it may have outlived its identity
        patch = replace(patch, external_id=encode(session.work.subject))
    return patch


def _settle(session: Session, given: frozenset[str]) -> None:
    """These are given for good; what moved from a predecessor is no longer there."""
    fresh = given - session.observed.granted
    moved = {one.removeprefix(MOVED) for one in fresh if one.startswith(MOVED)}
    keys = tuple(_emptied(session, moved))
    session.observed = replace(session.observed, keys=keys, granted=session.observed.granted | given)


def _emptied(session: Session, moved: set[str]) -> Iterator[ObservedKey]:
    for key in session.observed.keys or ():
        if key.key_id not in moved:
            yield key
        elif session.read_keys.pop(key.key_id, _NOT_ASKED) is not None:
            yield replace(key, prepaid=0)  # one that is gone has nothing left to be kept for


def _told(operation: Operation, write: Write | None, amounts: dict[str, int]) -> Operation:
    """For the record: what was really written."""
    note = write.note if write else None
    after = {
        "credits": asdict(note.quota) if note and note.quota else None,
        "remaining": write.remaining if write else None,
        "top_ups": amounts,
    }
    return replace(operation, after=after)
