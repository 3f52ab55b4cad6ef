"""Read-only statements for people: counts, ages, listings."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from unkey_sync.ledger.event_rows import IGNORED, LISTED
from unkey_sync.ledger.key_rows import HELD, NOTICE, READY
from unkey_sync.ledger.tables import (
    edits,
    event_bodies,
    events,
    facts,
    handovers,
    identities,
    keys,
    subjects,
)


class ReportRows:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def events_by_state(self) -> dict[str, int]:
        query = sa.select(events.c.state, sa.func.count()).group_by(events.c.state)
        return {state: int(count) for state, count in self._connection.execute(query)}

    def open_by_state(self) -> dict[str, int]:
        """Counts of what is not finished; reads open rows only."""
        wanted = [events.c.state == state for state in ("pending", "waiting", "parked")]
        query = sa.select(*[sa.func.count(sa.case((one, 1))) for one in wanted]).where(
            events.c.state.in_(["pending", "waiting", "parked"])
        )
        row = self._connection.execute(query).one()
        return dict(zip(("pending", "waiting", "parked"), (int(count) for count in row), strict=True))

    def parked_by_code(self) -> dict[str, int]:
        """Parked subjects by the stable code of their reason."""
        query = (
            sa.select(subjects.c.parked_code, sa.func.count())
            .where(subjects.c.parked_code.isnot(None))
            .group_by(subjects.c.parked_code)
        )
        return {code: int(count) for code, count in self._connection.execute(query)}

    def parked_alone(self) -> int:
        """Parked events whose subject goes on: nothing else shows that they wait for a person."""
        parked = sa.literal_column("events.state") == sa.literal_column("'parked'")
        query = (
            sa.select(sa.func.count())
            .select_from(events)
            .join(subjects, subjects.c.subject == events.c.subject, isouter=True)
            .where(parked, subjects.c.parked_code.is_(None))
        )
        return int(self._connection.scalar(query) or 0)

    def keys_in_slots(self) -> dict[str, int]:
        """Keys that fill slots: enabled, and not."""
        enabled = sa.func.count(sa.case((keys.c.enabled, 1)))
        total, usable = self._connection.execute(
            sa.select(sa.func.count(), enabled).where(keys.c.slot.isnot(None))
        ).one()
        return {"enabled": int(usable), "disabled": int(total) - int(usable)}

    def handovers_waiting(self) -> dict[str, int]:
        """Secrets that nobody has taken yet, by the way they are to go."""
        query = (
            sa.select(handovers.c.mode, sa.func.count())
            .where(handovers.c.state.in_([HELD, READY]))
            .group_by(handovers.c.mode)
        )
        return {mode: int(count) for mode, count in self._connection.execute(query)}

    def edits_since(self, since: int) -> int:
        """How many things of ours were found changed by others."""
        query = sa.select(sa.func.count()).select_from(edits).where(edits.c.at >= since)
        return int(self._connection.execute(query).scalar_one())

    def last_received_by_source(self) -> dict[str, int]:
        query = sa.select(events.c.source, sa.func.max(events.c.received_at)).group_by(events.c.source)
        return {source: int(at) for source, at in self._connection.execute(query)}

    def recent_arrivals(self, source: str, limit: int) -> list[int]:
        """When the latest deliveries of a source came in, newest first; what we read ourselves is none.

        What a feed shows has its webhook's name, and no body: a body comes only with a delivery.
        """
        delivered = sa.exists().where(event_bodies.c.event_id == events.c.id)
        query = (
            sa.select(events.c.received_at)
            .where(events.c.source == source, events.c.delivery_id.not_like(f"{LISTED}%"))
            .where(sa.or_(events.c.state == IGNORED, delivered))
            .order_by(events.c.id.desc())
            .limit(limit)
        )
        return [int(at) for at in self._connection.scalars(query)]

    def subject_counts(self, now: int) -> dict[str, int]:
        """total, due (now and not leased), leased, parked."""
        query = sa.select(
            sa.func.count(),
            sa.func.count(sa.case((subjects.c.due_at <= now, 1))),
            sa.func.count(sa.case((subjects.c.lease_owner.isnot(None), 1))),
            sa.func.count(sa.case((subjects.c.parked_code.isnot(None), 1))),
        ).select_from(subjects)
        total, due, leased, parked = self._connection.execute(query).one()
        return {"total": total, "due": due, "leased": leased, "parked": parked}

    def open_work(self, now: int) -> tuple[int, int, int]:
        """(pending events, due subjects, leased subjects): zeros when all is done. Reads open rows only."""
        pending = sa.select(sa.func.count()).where(events.c.state == "pending")
        due = sa.select(sa.func.count()).where(subjects.c.due_at <= now)
        leased = sa.select(sa.func.count()).where(
            subjects.c.due_at.isnot(None), subjects.c.lease_owner.isnot(None)
        )
        row = self._connection.execute(
            sa.select(pending.scalar_subquery(), due.scalar_subquery(), leased.scalar_subquery())
        ).one()
        return int(row[0]), int(row[1]), int(row[2])

    def oldest_open_received(self) -> int | None:
        """When the oldest open event came in."""
        query = sa.select(sa.func.min(events.c.received_at)).where(events.c.state == "pending")
        found = self._connection.scalar(query)
        return int(found) if found is not None else None

    def subjects_page(self, *, parked: bool | None = None, limit: int = 1000) -> list[dict[str, Any]]:
        query = (
            sa.select(subjects, identities.c.identity_id, identities.c.external_id, identities.c.removed)
            .join(identities, identities.c.subject == subjects.c.subject, isouter=True)
            .order_by(subjects.c.subject)
            .limit(limit)
        )
        if parked is not None:
            known = subjects.c.parked_code
            query = query.where(known.isnot(None) if parked else known.is_(None))
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def doubts(self) -> int:
        query = sa.select(sa.func.count()).select_from(facts).where(facts.c.doubt)
        return int(self._connection.scalar(query) or 0)

    def keys_page(self, *, subject: str | None, limit: int) -> list[dict[str, Any]]:
        """Keys that fill slots, with how each was handed over (None where it is not, or no longer known)."""
        query = (
            sa.select(
                keys,
                handovers.c.id.label("handover"),
                handovers.c.mode,
                handovers.c.state,
                handovers.c.attempts,
                handovers.c.created_at,
                handovers.c.finished_at,
            )
            .join(
                handovers,
                sa.and_(handovers.c.key_id == keys.c.key_id, handovers.c.mode != NOTICE),
                isouter=True,
            )
            .where(keys.c.slot.isnot(None))
            .order_by(keys.c.subject, keys.c.slot, keys.c.member, keys.c.generation)
            .limit(limit)
        )
        if subject is not None:
            query = query.where(keys.c.subject == subject)
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def subject_named(self, text: str) -> str | None:
        """The subject whose id, external id or identity id this is."""
        query = sa.select(subjects.c.subject).where(subjects.c.subject == text)
        found = self._connection.scalar(query)
        if found is not None:
            return str(found)
        query = sa.select(identities.c.subject).where(
            sa.or_(identities.c.external_id == text, identities.c.identity_id == text)
        )
        return self._connection.scalar(query)
