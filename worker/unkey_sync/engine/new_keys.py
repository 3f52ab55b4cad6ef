"""Making the key of a slot: by Unkey (one attempt, never repeated), or with a secret of our own (repeatable).

Either way it is made disabled and written down before it is armed, and its secret goes straight into a sealed row.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from unkey_sync.engine.credit_calls import load_quota, to_credits
from unkey_sync.engine.observing import put_key
from unkey_sync.errors import Park, Relink, Unknown
from unkey_sync.ids import new_id
from unkey_sync.ledger.key_rows import HELD, NOTICE, HandoverRow
from unkey_sync.model import UNKNOWN_QUOTA, UNKNOWN_ROLES, Draft, ObservedKey, Slot
from unkey_sync.unkey.secret import SecretText
from unkey_sync.unkey.wanted import ImportedKey, NewKey

if TYPE_CHECKING:
    from unkey_sync.engine.session import Session
    from unkey_sync.model import Operation
    from unkey_sync.seal import Sealer
    from unkey_sync.unkey.client import Unkey

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
"""Base 58: nothing that a person could mistake for something else."""
_LENGTH = 33
"""193 bits."""


@dataclass(frozen=True, slots=True)
class Made:
    """A key that exists in Unkey now. `sealed` is bound to `handover_id`. `anew`: what it holds is as wanted."""

    key_id: str
    handover_id: str
    sealed: bytes
    anew: bool = True


class KeyMaker:
    """`migration_id`: where hashes of our own secrets may be handed in; "" where nobody gave us one."""

    def __init__(self, sealer: Sealer, migration_id: str = "") -> None:
        self._sealer = sealer
        self._migration_id = migration_id

    def create(self, session: Session, unkey: Unkey, operation: Operation) -> None:
        """The turn ends with it: the key is written down before it is armed."""
        try:
            created = unkey.keys.create(_new_key(session, operation))
        except Unknown:
            session.expect_orphans()
            session.record(operation, "unknown")
            raise
        handover_id = new_id("hov", session.clock.now())
        sealed = self._sealer.seal(created.key.reveal().encode(), handover_id)
        _note(session, operation, Made(created.key_id, handover_id, sealed))

    def import_own(self, session: Session, unkey: Unkey, operation: Operation) -> None:
        """One step: write a secret down, hand in its hash, or ask whose it is. Each may be repeated at will."""
        if not self._migration_id:
            raise Park("strategy migrate needs unkey.migration_id", operation=operation.call)
        draft = _draft(session, operation)
        if draft is None:
            self._write_down(session, operation)
            return
        secret = SecretText(self._sealer.open(draft.sealed, draft.handover_id).decode())
        known = session.handed_in == draft.handover_id
        find = _ask if known else self._hand_in
        key_id = find(session, unkey, operation, secret)
        if key_id is None:
            session.handed_in = draft.handover_id
            return
        _drop_draft(session, draft)
        _note(session, operation, Made(key_id, draft.handover_id, draft.sealed, anew=not known))

    def _write_down(self, session: Session, operation: Operation) -> None:
        after = operation.after
        slot = Slot(after["slot"], after["member"])
        handover_id = new_id("hov", session.clock.now())
        sealed = self._sealer.seal(_make_secret(after["prefix"]).encode(), handover_id)
        draft = Draft(slot=slot, generation=after["generation"], handover_id=handover_id, sealed=sealed)
        others = tuple(one for one in session.observed.drafts if one.slot != slot)
        session.observed = replace(session.observed, drafts=(*others, draft))
        session.pause = True

    def _hand_in(
        self, session: Session, unkey: Unkey, operation: Operation, secret: SecretText
    ) -> str | None:
        """The new key's id; None when Unkey had this hash already, from an attempt whose answer was lost."""
        digest = hashlib.sha256(secret.reveal().encode()).digest()
        hashed = base64.b64encode(digest).decode()
        wanted = ImportedKey(hash=hashed, key=_new_key(session, operation))
        try:
            answer = unkey.keys.import_all(migration_id=self._migration_id, keys=[wanted])
        except Unknown:
            session.expect_orphans()
            raise
        return answer.migrated[0].key_id if answer.migrated else None


def _ask(session: Session, unkey: Unkey, operation: Operation, secret: SecretText) -> str | None:
    """Whose secret it is. If nobody's, its key was removed: the next attempt begins with another secret."""
    try:
        return unkey.keys.whoami(secret).key_id
    except Relink:
        _drop_draft(session, _draft(session, operation))
        session.expect_orphans()
        raise


def _drop_draft(session: Session, draft: Draft | None) -> None:
    others = tuple(one for one in session.observed.drafts if one != draft)
    session.observed = replace(session.observed, drafts=others)


def _draft(session: Session, operation: Operation) -> Draft | None:
    after = operation.after
    wanted = (Slot(after["slot"], after["member"]), after["generation"])
    found = (one for one in session.observed.drafts if (one.slot, one.generation) == wanted)
    return next(found, None)


def _make_secret(prefix: str | None) -> str:
    random = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return f"{prefix}_{random}" if prefix else random


def _new_key(session: Session, operation: Operation) -> NewKey:
    after = operation.after
    attempt = new_id("op", session.clock.now())
    quota = load_quota(after["credits"])
    return NewKey(
        external_id=operation.target,
        enabled=False,
        prefix=after["prefix"],
        roles=after["roles"],
        credits=to_credits(quota, quota.remaining if quota else None),
        meta={"sync": {"op": attempt, "slot": after["slot"], "generation": after["generation"]}},
    )


def _note(session: Session, operation: Operation, made: Made) -> None:
    after = operation.after
    slot = Slot(after["slot"], after["member"])
    key = ObservedKey(
        key_id=made.key_id,
        enabled=False,
        slot=slot,
        generation=after["generation"],
        armed=False,
        roles=frozenset(after["roles"]) if made.anew else UNKNOWN_ROLES,
        quota=load_quota(after["credits"]) if made.anew else UNKNOWN_QUOTA,
    )
    put_key(session, key)
    for row in _handovers(session, after, slot, made):
        session.hand_over(row)
    session.record(operation, "done")
    session.pause = True


def _handovers(session: Session, after: dict[str, Any], slot: Slot, made: Made) -> list[HandoverRow]:
    now = session.clock.now()
    if after["deliver"] == "none":
        return []
    row = HandoverRow(
        id=made.handover_id,
        subject=session.work.subject,
        slot=slot.name,
        member=slot.member,
        key_id=made.key_id,
        mode=after["deliver"],
        state=HELD,
        sealed=made.sealed,
        created_at=now,
    )
    notice = replace(row, id=new_id("hov", now), mode=NOTICE, sealed=None)
    return [row, notice] if after["notify"] else [row]
