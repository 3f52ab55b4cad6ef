"""Statements about what Unkey holds: identities, keys, and the append-only record of operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from unkey_sync.ledger import bulk
from unkey_sync.ledger.codec import dump_observed, load_observed
from unkey_sync.ledger.key_rows import KeyRows
from unkey_sync.ledger.tables import edits, identities, operations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from unkey_sync.model import Observed, Rotation


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
class EditRow:
    """Something of ours that was not as we left it."""

    id: str
    subject: str
    target: str
    field: str
    expected: str
    found: str
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
_RECORD = bulk.insert(operations)
_NOTE = bulk.insert(edits)


class IdentityRows:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._keys = KeyRows(connection)

    def load(self, subjects: Sequence[str]) -> dict[str, IdentityRow]:
        return self.load_with(self._keys.rotations_of(subjects), subjects)

    def load_with(
        self, turned: Mapping[str, tuple[Rotation, ...]], subjects: Sequence[str]
    ) -> dict[str, IdentityRow]:
        """The same for somebody who has loaded the rotations already."""
        rows = _LOAD.run(self._connection, [{"subject": one} for one in subjects])
        found = [dict(row) for row in rows.mappings()]
        names = [row["subject"] for row in found]
        by_subject = self._keys.of_subjects(names) if names else {}
        return {
            row["subject"]: IdentityRow(
                subject=row["subject"],
                external_id=row["external_id"],
                created_at=row["created_at"],
                observed=load_observed(
                    row, by_subject.get(row["subject"], ()), turned.get(row["subject"], ())
                ),
            )
            for row in found
        }

    def save(self, rows: Iterable[IdentityRow]) -> None:
        ordered = sorted(rows, key=lambda row: row.subject)
        if not ordered:
            return
        _SAVE.run(self._connection, map(_identity_values, ordered))
        self._keys.replace(
            {row.subject: row.observed.keys for row in ordered if row.observed.keys is not None}
        )

    def unprove(self, subject: str) -> None:
        """What was verified of a closed subject holds no longer: its keys are listed again before anything else."""
        self._connection.execute(
            sa.update(identities)
            .where(identities.c.subject == subject)
            .values(keys_listed_at=None, fenced_at=None, removed=False)
        )

    def record(self, rows: Sequence[OperationRow]) -> None:
        if rows:
            _RECORD.run(self._connection, rows)

    def forget_values(self, subjects: Sequence[str]) -> None:
        """What was done to subjects that are removed stays on record; what it wrote may be personal, and goes."""
        if subjects:
            self._connection.execute(
                sa.update(operations)
                .where(operations.c.subject.in_(subjects))
                .values(before="{}", after="{}")
            )

    def note_edits(self, rows: Sequence[EditRow]) -> None:
        if rows:
            _NOTE.run(self._connection, rows)

    def edits_of(self, subject: str, limit: int = 50) -> list[dict[str, Any]]:
        """Newest first."""
        query = sa.select(edits).where(edits.c.subject == subject).order_by(edits.c.id.desc()).limit(limit)
        return [dict(row) for row in self._connection.execute(query).mappings()]

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
        "orphans_due_at": row.observed.orphans_due_at,
        "looked_at": row.observed.looked_at,
        "observed": dump_observed(row.observed),
    }
