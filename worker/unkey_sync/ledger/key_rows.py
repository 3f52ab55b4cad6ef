"""Statements about keys: what Unkey holds, rotations of slots, and secrets that wait to be handed over."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from unkey_sync.ledger import bulk, dialect
from unkey_sync.ledger.tables import handovers, keys, rotations
from unkey_sync.model import ObservedKey, Quota, Rotation, Slot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HELD = "held"
"""Made and not yet armed: nobody may have it."""
READY = "ready"
"""Armed: waits to be read or sent."""
DELIVERED = "delivered"
EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverRow:
    """A secret on its way to its owner. `sealed` is bound to `id`; it is dropped once delivered."""

    id: str
    subject: str
    slot: str
    member: str
    key_id: str
    mode: str
    state: str
    sealed: bytes | None = field(repr=False)
    created_at: int
    due_at: int | None = None
    attempts: int = 0
    finished_at: int | None = None


_LOAD = bulk.load(keys.c.subject)
_DELETE = bulk.Bulk("DELETE FROM keys WHERE subject IN (SELECT said.subject FROM {said})", [keys.c.subject])
_INSERT = bulk.insert(keys)
_LOAD_ROTATIONS = bulk.load(rotations.c.subject)


class KeyRows:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def of_subjects(self, subjects: Sequence[str]) -> dict[str, tuple[ObservedKey, ...]]:
        rows = _LOAD.run(self._connection, [{"subject": one} for one in subjects]).mappings()
        found: dict[str, list[ObservedKey]] = {}
        for row in sorted(rows, key=lambda row: str(row["key_id"])):
            found.setdefault(row["subject"], []).append(_to_key(row))
        return {subject: tuple(rows) for subject, rows in found.items()}

    def replace(self, listed: Mapping[str, Sequence[ObservedKey]]) -> None:
        """The keys of these subjects are exactly these."""
        if not listed:
            return
        _DELETE.run(self._connection, [{"subject": one} for one in sorted(listed)])
        rows = [_to_row(subject, key) for subject, found in sorted(listed.items()) for key in found]
        if rows:
            _INSERT.run(self._connection, rows)

    def rotations_of(self, subjects: Sequence[str]) -> dict[str, tuple[Rotation, ...]]:
        found: dict[str, list[Rotation]] = {}
        for row in _LOAD_ROTATIONS.run(self._connection, [{"subject": one} for one in subjects]).mappings():
            rotation = Rotation(Slot(row["slot"], row["member"]), row["generation"], row["overlap_until"])
            found.setdefault(row["subject"], []).append(rotation)
        return {subject: tuple(sorted(rows, key=_by_slot)) for subject, rows in found.items()}

    def rotate(self, subject: str, slot: Slot, overlap_until: int) -> None:
        """The slot's next generation is wanted. Everything before it is generation 1."""
        query = dialect.insert(self._connection, rotations)
        values = {
            "subject": subject,
            "slot": slot.name,
            "member": slot.member,
            "generation": 2,
            "overlap_until": overlap_until,
        }
        self._connection.execute(
            query.on_conflict_do_update(
                index_elements=["subject", "slot", "member"],
                set_={
                    "generation": rotations.c.generation + 1,
                    "overlap_until": query.excluded.overlap_until,
                },
            ),
            [values],
        )

    def add_handovers(self, rows: Sequence[HandoverRow]) -> None:
        if rows:
            self._connection.execute(sa.insert(handovers), [asdict(row) for row in rows])

    def make_ready(self, key_ids: Sequence[str], now: int) -> None:
        """These keys are armed: their secrets may go out."""
        if key_ids:
            self._connection.execute(
                sa.update(handovers)
                .where(handovers.c.key_id.in_(key_ids), handovers.c.state == HELD)
                .values(state=READY, due_at=now)
            )

    def handovers_of(self, subject: str, *, state: str | None = None) -> list[HandoverRow]:
        """Newest first."""
        query = (
            sa.select(handovers)
            .where(handovers.c.subject == subject)
            .order_by(handovers.c.created_at.desc(), handovers.c.id.desc())
        )
        if state:
            query = query.where(handovers.c.state == state)
        return [HandoverRow(**row) for row in self._connection.execute(query).mappings()]

    def due_handovers(self, mode: str, now: int, limit: int) -> list[HandoverRow]:
        query = (
            sa.select(handovers)
            .where(handovers.c.state == READY, handovers.c.mode == mode, handovers.c.due_at <= now)
            .order_by(handovers.c.due_at)
            .limit(limit)
        )
        return [HandoverRow(**row) for row in self._connection.execute(query).mappings()]

    def finish_handover(self, handover_id: str, state: str, now: int) -> bool:
        """Deliver or expire once; False when somebody else did. The secret is gone afterwards."""
        result = self._connection.execute(
            sa.update(handovers)
            .where(handovers.c.id == handover_id, handovers.c.state == READY)
            .values(state=state, sealed=None, finished_at=now)
        )
        return bool(result.rowcount)

    def delay_handover(self, handover_id: str, due_at: int, attempts: int) -> None:
        self._connection.execute(
            sa.update(handovers)
            .where(handovers.c.id == handover_id, handovers.c.state == READY)
            .values(due_at=due_at, attempts=attempts)
        )


def _by_slot(rotation: Rotation) -> Slot:
    return rotation.slot


def _to_key(row: Any) -> ObservedKey:
    quota = orjson.loads(row["quota"]) if row["quota"] else None
    return ObservedKey(
        key_id=row["key_id"],
        enabled=bool(row["enabled"]),
        disabled_by_us=bool(row["disabled_by_us"]),
        slot=Slot(row["slot"], row["member"]) if row["slot"] else None,
        generation=row["generation"],
        armed=bool(row["armed"]),
        roles=frozenset(orjson.loads(row["roles"])),
        quota=Quota(**quota) if quota else None,
        expires_at=row["expires_at"],
        orphan=bool(row["orphan"]),
    )


def _to_row(subject: str, key: ObservedKey) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "subject": subject,
        "enabled": key.enabled,
        "disabled_by_us": key.disabled_by_us,
        "slot": key.slot.name if key.slot else None,
        "member": key.slot.member if key.slot else "",
        "generation": key.generation,
        "armed": key.armed,
        "roles": orjson.dumps(sorted(key.roles)).decode(),
        "quota": orjson.dumps(asdict(key.quota)).decode() if key.quota else None,
        "expires_at": key.expires_at,
        "orphan": key.orphan,
    }
