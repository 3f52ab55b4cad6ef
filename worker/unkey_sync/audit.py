"""The standing check: no enabled key without a live, entitled subject. Pure: ledger rows and a listing in, key ids out.

Judges what the ledger knows or what carries our marker. Keys of identities that nobody told us of are the
customer's own business. It repairs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unkey_sync.model import Access, Slot, rotation_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from unkey_sync.model import Desired, Observed, ObservedKey
    from unkey_sync.unkey.models import Key


def enabled_without_owner(
    listing: Iterable[Key], owners: Mapping[str, tuple[Desired, Observed]], now: int
) -> tuple[str, ...]:
    """Ids of enabled keys that nobody may have. `now` in microseconds; `owners` by external id."""
    known = {
        key.key_id: (external_id, key)
        for external_id, (_, observed) in owners.items()
        for key in observed.keys or ()
    }
    return tuple(key.key_id for key in listing if _lives(key, now) and not _is_owned(key, owners, known))


def _lives(key: Key, now: int) -> bool:
    return key.enabled and (not key.expires or key.expires * 1_000 > now)


def _is_owned(
    key: Key,
    owners: Mapping[str, tuple[Desired, Observed]],
    known: Mapping[str, tuple[str, ObservedKey]],
) -> bool:
    external_id = key.identity.external_id if key.identity else ""
    noted = known.get(key.key_id)
    if external_id not in owners:
        return noted is None and not _is_marked(key.meta)
    desired, observed = owners[external_id]
    if desired.access is not Access.ENABLED:
        return False
    if noted is None or noted[1].slot is None:
        return not _is_marked(key.meta)
    return noted[0] == external_id and _fills(noted[1], desired, observed)


def _fills(key: ObservedKey, desired: Desired, observed: Observed) -> bool:
    """The slot is wanted, and holds this generation; the one before it may live while a rotation overlaps."""
    slot: Slot | None = key.slot
    if slot is None or slot not in {wanted.slot for wanted in desired.keys}:
        return False
    return key.generation == rotation_of(observed.rotations, slot).generation or key.expires_at is not None


def _is_marked(meta: Mapping[str, Any]) -> bool:
    """Made by us, whether the ledger knows it or not."""
    marker = meta.get("sync")
    return isinstance(marker, dict) and "op" in marker
