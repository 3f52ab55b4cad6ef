"""Reading a sealed key, once. Opens before it marks: with the wrong secret key nothing is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync.errors import SyncError
from unkey_sync.ledger.key_rows import DELIVERED, EXPIRED, NOTICE, READY, VAULT
from unkey_sync.unkey.secret import SecretText

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unkey_sync.ledger.key_rows import HandoverRow
    from unkey_sync.ledger.store import Tx
    from unkey_sync.seal import Sealer


class NotRevealed(SyncError):  # noqa: N818  -- named after the state
    """There is no key to be read. `code` says why; `remedy` what to do."""

    def __init__(self, message: str, *, code: str, remedy: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which key. None: whichever there is."""

    subject: str
    slot: str | None = None
    member: str | None = None

    def fits(self, row: HandoverRow) -> bool:
        asked = self.slot in (None, row.slot) and self.member in (None, row.member)
        return asked and row.mode != NOTICE


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealed:
    subject: str
    slot: str
    member: str
    key_id: str
    key: SecretText


def reveal(tx: Tx, sealer: Sealer, wanted: Wanted, now: int) -> Revealed:
    """Take the key out of the ledger; show it only after the commit.

    Raises NotRevealed, and Park when it was sealed with a key that is not configured.
    """
    row = choose([row for row in tx.keys.handovers_of(wanted.subject) if wanted.fits(row)])
    plain = sealer.open(row.sealed or b"", row.id).decode()
    if not tx.keys.finish_handover(row.id, DELIVERED, now):
        raise NotRevealed("this key was already fetched", code="already_fetched", remedy=_REMEDY)
    return Revealed(
        subject=row.subject, slot=row.slot, member=row.member, key_id=row.key_id, key=SecretText(plain)
    )


def choose(rows: Sequence[HandoverRow]) -> HandoverRow:
    """The one that may be read. `rows`: newest first. Raises NotRevealed."""
    waiting = [row for row in rows if row.state == READY and row.mode == VAULT]
    if len({(row.slot, row.member) for row in waiting}) > 1:
        names = ", ".join(sorted({f"{row.slot}/{row.member}".rstrip("/") for row in waiting}))
        raise NotRevealed(
            f"several keys wait: {names}", code="several_keys", remedy="Add --slot or --member."
        )
    if waiting:
        return waiting[0]
    raise _why_none(rows[0] if rows else None)


_REMEDY = "`unkey-sync keys rotate` makes a new one."


def _why_none(newest: HandoverRow | None) -> NotRevealed:
    if newest is None:
        return NotRevealed("no key was made to be read here", code="no_key")
    if newest.state == DELIVERED:
        return NotRevealed("this key was already fetched", code="already_fetched", remedy=_REMEDY)
    if newest.state == EXPIRED:
        return NotRevealed("nobody fetched this key in its time", code="expired", remedy=_REMEDY)
    if newest.mode != VAULT:
        return NotRevealed("keys of this slot are sent, not read", code="not_in_vault")
    return NotRevealed("the key is not usable yet; try again in a moment", code="not_ready")
