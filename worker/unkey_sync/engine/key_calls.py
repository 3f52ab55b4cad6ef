"""Calls on keys: list, arm, change, end. How they are made is in new_keys.py."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from unkey_sync.edits import key_edits, missing_key
from unkey_sync.engine.credit_calls import load_quota, to_credits, write_balance
from unkey_sync.engine.observing import drop_key, find_key, forget_key, put_key
from unkey_sync.engine.session import ORPHAN_AGE_US
from unkey_sync.errors import Park, Relink
from unkey_sync.externalid import encode
from unkey_sync.model import UNKNOWN_QUOTA, UNKNOWN_ROLES, Call, ObservedKey, Operation
from unkey_sync.unkey.wanted import Credits, KeyPatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from unkey_sync.engine.new_keys import KeyMaker
    from unkey_sync.engine.session import Session
    from unkey_sync.unkey.client import Unkey
    from unkey_sync.unkey.models import Key

MARKER = "op_"
"""Our creations are told from everybody else's by the id of the attempt, in `meta.sync.op`."""
_MILLISECOND = 1_000


class KeyCalls:
    """Makes operations on keys happen. `has_api`: without an API id there is nowhere to look for keys."""

    def __init__(self, maker: KeyMaker, *, has_api: bool) -> None:
        self._has_api = has_api
        self.makers: dict[Call, Callable[[Session, Unkey, Operation], None]] = {
            Call.LIST_KEYS: self._list,
            Call.CREATE_KEY: self._make(maker.create),
            Call.MIGRATE_KEYS: self._make(maker.import_own),
            Call.UPDATE_KEY: self._update,
            Call.SET_ROLES: self._set_roles,
            Call.ADD_ROLES: self._add_roles,
            Call.REMOVE_ROLES: self._remove_roles,
            Call.DELETE_KEY: self._delete,
        }

    def _list(self, session: Session, unkey: Unkey, operation: Operation) -> None:
        self._require_api(operation)
        began = session.clock.now()
        known = {key.key_id: key for key in session.observed.keys or ()}
        listed = {key.key_id: key for key in unkey.apis.list_keys(external_id=operation.target)}
        young = {
            key.key_id
            for key in listed.values()
            if key.key_id not in known and _is_trace(key) and not _is_old(key, began)
        }
        found = [
            _seen(session, key, known.get(key.key_id)) for key in listed.values() if key.key_id not in young
        ]
        # A key in a slot that the listing does not show yet is as real as the others: the ledger knows it.
        missing = [
            _unseen(session, key)
            for key in known.values()
            if key.slot is not None and key.key_id not in listed
        ]
        session.listed = True
        fenced = session.observed.fenced_at
        session.observed = replace(
            session.observed,
            identity_id=session.observed.identity_id or _identity_of(listed.values()),
            keys=(*found, *missing),
            keys_listed_at=began,
            fenced_at=fenced if fenced is not None or not session.closing else began,
        )
        if young:  # it may be under way still: looked for again, when it can be nothing but a trace
            session.expect_orphans()
        _forget_orphans(session, began)

    def _make(
        self, make: Callable[[Session, Unkey, Operation], None]
    ) -> Callable[[Session, Unkey, Operation], None]:
        def checked(session: Session, unkey: Unkey, operation: Operation) -> None:
            self._require_api(operation)
            make(session, unkey, operation)

        return checked

    def _update(self, session: Session, unkey: Unkey, operation: Operation) -> None:
        after = operation.after
        if after.get("enabled") is False and not find_key(session, operation.target).disabled_by_us:
            _intend(session, operation.target)
            return
        if "top_ups" in after:
            write_balance(session, unkey, operation)
            return
        patch = _patch(session, operation)
        try:
            unkey.keys.update(operation.target, patch)
        except Relink:
            forget_key(session, operation)
            return
        key = find_key(session, operation.target)
        if "enabled" in after:
            key = _switched(session, key, enabled=after["enabled"])
        if "credits" in after:
            key = replace(key, quota=load_quota(after["credits"]))
        if "expires_at" in after:
            key = replace(key, expires_at=after["expires_at"])
        put_key(session, key)
        session.record(operation, "done")

    def _set_roles(self, session: Session, unkey: Unkey, operation: Operation) -> None:
        roles = operation.after["roles"]
        unkey.keys.set_roles(operation.target, roles)
        put_key(session, replace(find_key(session, operation.target), roles=frozenset(roles)))
        session.record(operation, "done")

    def _add_roles(self, session: Session, unkey: Unkey, operation: Operation) -> None:
        _change_roles(session, operation, unkey.keys.add_roles, frozenset.union)

    def _remove_roles(self, session: Session, unkey: Unkey, operation: Operation) -> None:
        _change_roles(session, operation, unkey.keys.remove_roles, frozenset.difference)

    def _delete(self, session: Session, unkey: Unkey, operation: Operation) -> None:
        outcome = "done"
        try:
            unkey.keys.delete(operation.target, permanent=True)
        except Relink:
            outcome = "was gone"
        drop_key(session, operation.target)
        _forget_orphans(session, session.clock.now())
        session.record(operation, outcome)

    def _require_api(self, operation: Operation) -> None:
        if not self._has_api:
            raise Park("UNKEY_API_ID is not set, so keys cannot be found or made", operation=operation.call)


def _identity_of(listed: Iterable[Key]) -> str | None:
    """An identity that nobody told us of shows by its keys: the customer's own code made both."""
    return next((key.identity.id for key in listed if key.identity is not None), None)


def _change_roles(
    session: Session,
    operation: Operation,
    call: Callable[[str, Iterable[str]], object],
    change: Callable[[frozenset[str], Iterable[str]], frozenset[str]],
) -> None:
    """Roles of a key that others made. It may be gone, or a role: then the next attempt begins with a new listing."""
    roles = operation.after["roles"]
    try:
        call(operation.target, roles)
    except Relink:
        session.observed = replace(session.observed, keys_listed_at=None)
        raise
    key = find_key(session, operation.target)
    put_key(session, replace(key, roles=change(key.roles, roles)))
    session.record(operation, "done")


def _seen(session: Session, listed: Key, known: ObservedKey | None) -> ObservedKey:
    if known is not None:
        return _known(session, listed, known)
    return ObservedKey(
        key_id=listed.key_id,
        enabled=listed.enabled,
        roles=frozenset(listed.roles),
        orphan=_is_trace(listed),
    )


def _is_trace(listed: Key) -> bool:
    """Made by us and never enabled. If the ledger does not know it, its creation was never written down."""
    marker = listed.meta.get("sync")
    attempt = marker.get("op") if isinstance(marker, dict) else None
    return isinstance(attempt, str) and attempt.startswith(MARKER) and not listed.enabled


def _is_old(listed: Key, now: int) -> bool:
    """By Unkey's clock, which may be ahead of ours."""
    return listed.created_at is not None and listed.created_at * _MILLISECOND < now - ORPHAN_AGE_US


def _forget_orphans(session: Session, looked_at: int) -> None:
    """Nothing is expected any more once a look at the right time has found nothing."""
    due = session.observed.orphans_due_at
    left = any(key.orphan for key in session.observed.keys or ())
    if due is not None and looked_at >= due and not left:
        session.observed = replace(session.observed, orphans_due_at=None)


def _known(session: Session, listed: Key, known: ObservedKey) -> ObservedKey:
    ours = known.disabled_by_us and not listed.enabled
    orphan = known.orphan and not listed.enabled
    seen = replace(known, enabled=listed.enabled, disabled_by_us=ours, orphan=orphan)
    if known.slot is None:
        return replace(seen, roles=frozenset(listed.roles))
    if not session.believes or not known.armed:
        return seen
    edits = list(key_edits(known, listed))
    session.note_edits(edits)
    changed = {edit.field for edit in edits}
    return replace(
        seen,
        roles=frozenset(listed.roles),
        quota=UNKNOWN_QUOTA if "credits" in changed else known.quota,
        expires_at=listed.expires * _MILLISECOND if listed.expires is not None else None,
    )


def _unseen(session: Session, key: ObservedKey) -> ObservedKey:
    """Gone, or no longer the identity's: it is written whole again, which tells."""
    over = key.expires_at is not None and key.expires_at <= session.clock.now()
    if not session.believes or not key.armed or over:
        return key
    session.note_edits([missing_key(key)])
    return replace(key, quota=UNKNOWN_QUOTA, roles=UNKNOWN_ROLES)


def _intend(session: Session, key_id: str) -> None:
    """Write down which keys we are about to disable: a key taken by a turn that died must be given back."""
    taken = tuple(
        replace(key, disabled_by_us=True)
        if key.enabled and (session.closing or key.key_id == key_id)
        else key
        for key in session.observed.keys or ()
    )
    session.observed = replace(session.observed, keys=taken)
    session.pause = True


def _switched(session: Session, key: ObservedKey, *, enabled: bool) -> ObservedKey:
    if enabled:
        if not key.armed:
            session.armed.append(key.key_id)
        return replace(key, enabled=True, disabled_by_us=False, armed=True)
    if session.closing and session.observed.fenced_at is not None:
        session.observed = replace(session.observed, fenced_at=session.clock.now())
    return replace(key, enabled=False, disabled_by_us=True)


def _patch(session: Session, operation: Operation) -> KeyPatch:
    after = operation.after
    patch = KeyPatch()
    if "enabled" in after:
        patch = replace(patch, enabled=after["enabled"])
    if "credits" in after:
        patch = replace(patch, credits=_credits(after["credits"]))
        session.note_balance_write()
        if find_key(session, operation.target).quota == UNKNOWN_QUOTA:  # it may have outlived its identity
            patch = replace(patch, external_id=encode(session.work.subject))
    if "expires_at" in after:
        expires_at = after["expires_at"]
        patch = replace(patch, expires=None if expires_at is None else expires_at // _MILLISECOND)
    return patch


def _credits(row: dict[str, Any] | None) -> Credits | None:
    """A plan's quota as it is, to its full balance."""
    quota = load_quota(row)
    return to_credits(quota, quota.remaining if quota else None)
