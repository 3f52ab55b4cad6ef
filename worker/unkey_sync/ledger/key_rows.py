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

VAULT = "vault"
NOTICE = "notice"
"""Modes asked for by name: sealed and read once, or told of without the key. The third, `webhook`, is sent whole."""


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
            found.setdefault(row["subject"], []).append(to_key(row))
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

    def turn(self, subject: str, before: Rotation | None, after: Rotation) -> bool:
        """Replace what is wanted of a slot; False when it is no longer what `before` says."""
        values = {
            "subject": subject,
            "slot": after.slot.name,
            "member": after.slot.member,
            "generation": after.generation,
            "overlap_until": after.overlap_until,
        }
        if before is None:
            query = dialect.insert(self._connection, rotations).values(values).on_conflict_do_nothing()
            made = self._connection.execute(query.returning(rotations.c.generation))
            return made.first() is not None
        same = _same_slot(rotations, subject, after.slot)
        result = self._connection.execute(
            sa.update(rotations)
            .where(
                same,
                rotations.c.generation == before.generation,
                rotations.c.overlap_until == before.overlap_until,
            )
            .values(generation=after.generation, overlap_until=after.overlap_until)
        )
        return bool(result.rowcount)

    def aged(self, slot: str, made_until: int, limit: int) -> list[tuple[str, Slot]]:
        """(subject, slot) of keys in use that were made by then and are still the newest of their slot.

        A key without a hand-over has no age: nobody holds it.
        """
        turned = sa.and_(
            rotations.c.subject == keys.c.subject,
            rotations.c.slot == keys.c.slot,
            rotations.c.member == keys.c.member,
        )
        query = (
            sa.select(keys.c.subject, keys.c.slot, keys.c.member)
            .join(handovers, handovers.c.key_id == keys.c.key_id)
            .join(rotations, turned, isouter=True)
            .where(keys.c.slot == slot, keys.c.enabled, handovers.c.created_at <= made_until)
            .where(handovers.c.mode != NOTICE)
            .where(keys.c.generation == sa.func.coalesce(rotations.c.generation, 1))
            .order_by(handovers.c.created_at)
            .limit(limit)
        )
        return [(row.subject, Slot(row.slot, row.member)) for row in self._connection.execute(query)]

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

    def claim_messages(self, now: int, until: int, limit: int) -> list[HandoverRow]:
        """Take what is due. Nobody else gets it before `until`; then, unless it was finished, it is due again."""
        due = (
            sa.select(handovers.c.id)
            .where(handovers.c.state == READY, handovers.c.mode != VAULT, handovers.c.due_at <= now)
            .order_by(handovers.c.due_at)
            .limit(limit)
        )
        query = (
            sa.update(handovers)
            .where(handovers.c.id.in_(dialect.skip_locked(self._connection, due).scalar_subquery()))
            .values(due_at=until, attempts=handovers.c.attempts + 1)
            .returning(*handovers.c)
        )
        return [HandoverRow(**row) for row in self._connection.execute(query).mappings()]

    def delay_handover(self, handover_id: str, due_at: int) -> None:
        self._connection.execute(
            sa.update(handovers)
            .where(handovers.c.id == handover_id, handovers.c.state == READY)
            .values(due_at=due_at)
        )

    def finish_handover(self, handover_id: str, state: str, now: int) -> bool:
        """Deliver or expire once; False when somebody else did. The secret is gone afterwards."""
        return bool(self._finish(handovers.c.id == handover_id, state, now))

    def supersede(self, subject: str, slot: Slot, now: int) -> None:
        """Whatever still waits for this slot is worth nothing any more."""
        self._finish(_same_slot(handovers, subject, slot), EXPIRED, now)

    def forget_secrets(self, subjects: Sequence[str], now: int) -> None:
        """Their keys are erased: what still waits to be handed over is of no use, and must not stay."""
        if subjects:
            self._finish(handovers.c.subject.in_(subjects), EXPIRED, now)

    def drop_pointless(self, made_until: int, now: int) -> int:
        """Expire what waits since then for a key that no longer exists. Returns how many."""
        gone = handovers.c.key_id.notin_(sa.select(keys.c.key_id))
        return self._finish(sa.and_(handovers.c.created_at <= made_until, gone), EXPIRED, now)

    def drop_notices(self, made_until: int, now: int) -> int:
        """Nobody needs to be told any more what was made by then. Returns how many."""
        old = sa.and_(handovers.c.mode == NOTICE, handovers.c.created_at <= made_until)
        return self._finish(old, EXPIRED, now)

    def unfetched(self, made_until: int, limit: int) -> list[HandoverRow]:
        """Keys that wait since then, oldest first."""
        query = (
            sa.select(handovers)
            .where(_waiting(), handovers.c.mode != NOTICE, handovers.c.created_at <= made_until)
            .order_by(handovers.c.created_at)
            .limit(limit)
        )
        return [HandoverRow(**row) for row in self._connection.execute(query).mappings()]

    def _finish(self, which: sa.ColumnElement[bool], state: str, now: int) -> int:
        result = self._connection.execute(
            sa.update(handovers)
            .where(which, _waiting())
            .values(state=state, sealed=None, due_at=None, finished_at=now)
        )
        return int(result.rowcount)


def _waiting() -> sa.ColumnElement[bool]:
    return handovers.c.state.in_([HELD, READY])


def _same_slot(table: sa.Table, subject: str, slot: Slot) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.subject == subject, table.c.slot == slot.name, table.c.member == slot.member)


def _by_slot(rotation: Rotation) -> Slot:
    return rotation.slot


def to_key(row: Any) -> ObservedKey:
    """A row of `keys`."""
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
        prepaid=row["prepaid"],
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
        "prepaid": key.prepaid,
        "orphan": key.orphan,
    }
