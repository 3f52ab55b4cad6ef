"""The keys that a turn holds in its hands: find one, put it back changed, let it go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from unkey_sync.errors import Relink

if TYPE_CHECKING:
    from unkey_sync.engine.session import Session
    from unkey_sync.model import ObservedKey, Operation


def find_key(session: Session, key_id: str) -> ObservedKey:
    return next(key for key in session.observed.keys or () if key.key_id == key_id)


def put_key(session: Session, changed: ObservedKey) -> None:
    others = tuple(key for key in session.observed.keys or () if key.key_id != changed.key_id)
    session.observed = replace(session.observed, keys=(*others, changed))


def drop_key(session: Session, key_id: str) -> None:
    session.observed = replace(
        session.observed, keys=tuple(key for key in session.observed.keys or () if key.key_id != key_id)
    )


def forget_key(session: Session, operation: Operation) -> None:
    """404 on a key: proof for a key that was listed; a key made a moment ago may just not be visible yet.

    What was bought on a key that is gone is owed to its successor: it stays on record as one that has ended.
    """
    key = find_key(session, operation.target)
    if not key.armed:
        raise Relink("the new key is not visible yet", operation=operation.call)
    if key.prepaid:
        put_key(session, replace(key, enabled=False, generation=0, expires_at=session.clock.now()))
    else:
        drop_key(session, operation.target)
    session.record(operation, "was gone")
