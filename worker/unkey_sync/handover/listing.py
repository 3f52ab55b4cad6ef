"""Keys in slots as people see them. Never a secret: not even the sealed one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unkey_sync.ledger.key_rows import to_key

if TYPE_CHECKING:
    from unkey_sync.ledger.store import Tx
    from unkey_sync.model import ObservedKey


def key_state(key: ObservedKey, now: int) -> str:
    """`new` (made, never yet usable), `enabled`, `disabled`, or `ended` (for good)."""
    if not key.armed:
        return "new"
    if key.expires_at is not None and key.expires_at <= now:
        return "ended"
    return "enabled" if key.enabled else "disabled"


def key_list(tx: Tx, subject: str | None, limit: int, now: int) -> list[dict[str, Any]]:
    """Keys in slots, of one subject or of all, with the receipt of their hand-over."""
    return [_view(row, now) for row in tx.reports.keys_page(subject=subject, limit=limit)]


def _view(row: dict[str, Any], now: int) -> dict[str, Any]:
    key = to_key(row)
    return {
        "subject": row["subject"],
        "slot": row["slot"],
        "member": row["member"] or None,
        "key_id": key.key_id,
        "generation": key.generation,
        "state": key_state(key, now),
        "expires_at": key.expires_at,
        "roles": sorted(key.roles),
        "handover": _handover(row),
    }


def _handover(row: dict[str, Any]) -> dict[str, Any] | None:
    if row["handover"] is None:
        return None
    names = ("mode", "state", "attempts", "created_at", "finished_at")
    return {"id": row["handover"], **{name: row[name] for name in names}}
