"""Statements about what Unkey holds: identities, keys, and the append-only record of operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from unkey_sync.ledger import bulk
from unkey_sync.ledger.codec import dump_observed, load_observed
from unkey_sync.ledger.tables import identities, keys, operations
from unkey_sync.model import Observed, ObservedKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRow:
    """One Unkey call that was made. `before`, `after`: JSON text without secrets."""

    id: str
    subject: str
    call: str
    target: str
    why: str
    before: str
    after: str
    outcome: str
    request_id: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRow:
    """What the ledger knows of one subject's identity."""

    subject: str
    external_id: str
    created_at: int | None
    observed: Observed


_LOAD = bulk.load(identities.c.subject)
_SAVE = bulk.insert(identities, f"ON CONFLICT (subject) DO UPDATE SET {bulk.assignments(identities.c)}")
_LOAD_KEYS = bulk.load(keys.c.subject)
_DELETE_KEYS = bulk.Bulk(
    "DELETE FROM keys WHERE subject IN (SELECT said.subject FROM {said})", [keys.c.subject]
)
_INSERT_KEYS = bulk.insert(keys)
_RECORD = bulk.insert(operations)


class IdentityRows:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def load(self, subjects: Sequence[str]) -> dict[str, IdentityRow]:
        rows = _LOAD.run(self._connection, [{"subject": one} for one in subjects])
        found = [dict(row) for row in rows.mappings()]
        by_subject = self._keys([row["subject"] for row in found])
        return {
            row["subject"]: IdentityRow(
                subject=row["subject"],
                external_id=row["external_id"],
                created_at=row["created_at"],
                observed=load_observed(row, tuple(by_subject.get(row["subject"], ()))),
            )
            for row in found
        }

    def _keys(self, subjects: Sequence[str]) -> dict[str, list[ObservedKey]]:
        if not subjects:
            return {}
        found: dict[str, list[ObservedKey]] = {}
        rows = _LOAD_KEYS.run(self._connection, [{"subject": one} for one in subjects])
        for row in sorted(rows, key=lambda row: row.key_id):
            key = ObservedKey(
                key_id=row.key_id, enabled=bool(row.enabled), disabled_by_us=bool(row.disabled_by_us)
            )
            found.setdefault(row.subject, []).append(key)
        return found

    def save(self, rows: Iterable[IdentityRow]) -> None:
        ordered = sorted(rows, key=lambda row: row.subject)
        if not ordered:
            return
        _SAVE.run(self._connection, map(_identity_values, ordered))
        self._save_keys({row.subject: row.observed.keys for row in ordered if row.observed.keys is not None})

    def _save_keys(self, listed: Mapping[str, Sequence[ObservedKey]]) -> None:
        if not listed:
            return
        _DELETE_KEYS.run(self._connection, [{"subject": one} for one in sorted(listed)])
        rows = [
            {
                "key_id": key.key_id,
                "subject": subject,
                "enabled": key.enabled,
                "disabled_by_us": key.disabled_by_us,
            }
            for subject, found in sorted(listed.items())
            for key in found
        ]
        if rows:
            _INSERT_KEYS.run(self._connection, rows)

    def record(self, rows: Sequence[OperationRow]) -> None:
        if rows:
            _RECORD.run(self._connection, rows)

    def operations_of(self, subject: str, limit: int = 50) -> list[dict[str, Any]]:
        """Newest first."""
        query = (
            sa.select(operations)
            .where(operations.c.subject == subject)
            .order_by(operations.c.id.desc())
            .limit(limit)
        )
        return [dict(row) for row in self._connection.execute(query).mappings()]


def _identity_values(row: IdentityRow) -> dict[str, object]:
    return {
        "subject": row.subject,
        "external_id": row.external_id,
        "identity_id": row.observed.identity_id,
        "created_at": row.created_at,
        "removed": row.observed.removed,
        "fenced_at": row.observed.fenced_at,
        "keys_listed_at": row.observed.keys_listed_at,
        "observed": dump_observed(row.observed),
    }
