"""Statements about subjects: mark due, claim with lease and fence, release, park."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from unkey_sync.ledger import dialect
from unkey_sync.ledger.bulk import Bulk
from unkey_sync.ledger.tables import facts, identities, subjects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LIVE = 0
SWEEP = 1
BACKFILL = 2
NOW = 0
"""`due_at` of what is due whatever the clock says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A subject that is ours until the lease runs out. `fence` grows with every claim.

    `uncertain`: an earlier holder died, or a call's outcome is unknown, so what the ledger says may be older than
    what Unkey holds.
    """

    subject: str
    fence: int
    generation: int
    attempts: int
    priority: int
    uncertain: bool
    inputs: str | None
    changes_at: int | None
    look: bool = False
    """What Unkey holds is to be read afresh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """How work on a claimed subject ended. `due_at` None: nothing to do until something is said."""

    subject: str
    fence: int
    generation: int
    due_at: int | None
    attempts: int = 0
    parked_code: str | None = None
    parked_reason: str | None = None
    changes_at: int | None = None
    inputs: str | None = None
    desired: str | None = None
    access: str | None = None
    done: bool = True
    uncertain: bool = False
    look: bool = False


_MARK_DUE = Bulk(
    """
    INSERT INTO subjects (subject, generation, done_generation, due_at, priority, fence, attempts, unclean)
    SELECT subject, 1, 0, 0, priority, 0, 0, 0 FROM {said} WHERE true
    ON CONFLICT (subject) DO UPDATE SET
        generation = subjects.generation + 1,
        due_at = CASE WHEN subjects.lease_owner IS NULL THEN 0 ELSE subjects.due_at END,
        priority = CASE WHEN subjects.due_at IS NULL OR excluded.priority < subjects.priority
                   THEN excluded.priority ELSE subjects.priority END,
        attempts = 0, parked_code = NULL, parked_reason = NULL
    """,
    [subjects.c.subject, subjects.c.priority],
)
# News that came during the turn (a newer generation) makes the subject due at once, first in line and not parked.
_RELEASE = Bulk(
    """
    UPDATE subjects SET
        lease_owner = NULL,
        done_generation = said.done_generation,
        due_at = CASE WHEN subjects.generation > said.generation THEN 0 ELSE said.due_at END,
        priority = CASE WHEN subjects.generation > said.generation THEN 0 ELSE said.priority END,
        parked_code = CASE WHEN subjects.generation > said.generation THEN NULL ELSE said.parked_code END,
        parked_reason = CASE WHEN subjects.generation > said.generation THEN NULL ELSE said.parked_reason END,
        attempts = said.attempts,
        unclean = said.unclean,
        changes_at = said.changes_at,
        inputs = said.inputs,
        desired = coalesce(said.desired, subjects.desired),
        access = coalesce(said.access, subjects.access),
        look = said.look
    FROM {said}
    WHERE subjects.subject = said.subject AND subjects.fence = said.fence
    RETURNING subjects.subject
    """,
    subjects.c,
    [subjects.c.subject],
)


class SubjectRows:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def mark_due(self, wanted: Mapping[str, int]) -> None:
        """Subject -> priority. A leased subject keeps its lease and is looked at again after it."""
        rows = [{"subject": subject, "priority": priority} for subject, priority in sorted(wanted.items())]
        if rows:
            _MARK_DUE.run(self._connection, rows)

    def claim(self, owner: str, now: int, lease_until: int, limit: int) -> list[Claim]:
        """Take due subjects, urgent first. Until `lease_until` nobody else gets them; then they are due again."""
        due = (
            sa.select(subjects.c.subject)
            .where(subjects.c.due_at <= now)
            .order_by(subjects.c.priority, subjects.c.due_at)
            .limit(limit)
        )
        return self._take(dialect.skip_locked(self._connection, due), owner, lease_until)

    def claim_one(self, subject: str, owner: str, now: int, lease_until: int) -> Claim | None:
        """Take this subject, due or not, unless somebody holds it."""
        free = sa.select(subjects.c.subject).where(
            subjects.c.subject == subject,
            sa.or_(subjects.c.lease_owner.is_(None), subjects.c.due_at <= now),
        )
        claims = self._take(dialect.skip_locked(self._connection, free), owner, lease_until)
        return claims[0] if claims else None

    def _take(self, chosen: sa.Select[Any], owner: str, lease_until: int) -> list[Claim]:
        query = (
            sa.update(subjects)
            .where(subjects.c.subject.in_(chosen.scalar_subquery()))
            .values(
                lease_owner=owner,
                due_at=lease_until,
                fence=subjects.c.fence + 1,
                unclean=subjects.c.unclean + 1,
            )
            .returning(
                subjects.c.subject,
                subjects.c.fence,
                subjects.c.generation,
                subjects.c.attempts,
                subjects.c.priority,
                (subjects.c.unclean > 1).label("uncertain"),
                subjects.c.inputs,
                subjects.c.changes_at,
                subjects.c.look,
            )
        )
        rows = self._connection.execute(query).mappings()
        return sorted((Claim(**row) for row in rows), key=lambda claim: claim.priority)

    def release(self, results: Iterable[Release]) -> set[str]:
        """Give subjects back; those whose fence still holds. News that came meanwhile makes them due at once."""
        rows = [_release_values(result) for result in sorted(results, key=lambda result: result.subject)]
        if not rows:
            return set()
        return set(_RELEASE.run(self._connection, rows).scalars())

    def mark_page_due(self, after: str, limit: int, priority: int) -> list[str]:
        """The next subjects in order of their names are looked at again (the policy changed); who they are."""
        names = list(
            self._connection.scalars(
                sa.select(subjects.c.subject)
                .where(subjects.c.subject > after)
                .order_by(subjects.c.subject)
                .limit(limit)
            )
        )
        leased = subjects.c.lease_owner.isnot(None)
        self._connection.execute(
            sa.update(subjects)
            .where(subjects.c.subject.in_(names))
            .values(
                generation=subjects.c.generation + 1,
                due_at=sa.case((leased, subjects.c.due_at), else_=NOW),
                priority=sa.case((subjects.c.due_at.is_(None), priority), else_=subjects.c.priority),
                inputs=None,
            )
        )
        return names

    def reopen(self, subject: str, fence: int, generation: int) -> bool:
        """Look at a subject again although nothing was said, unless somebody has since, or it is parked."""
        untouched = sa.and_(
            subjects.c.subject == subject,
            subjects.c.fence == fence,
            subjects.c.generation == generation,
            subjects.c.lease_owner.is_(None),
            subjects.c.parked_code.is_(None),
        )
        changed = {
            "generation": subjects.c.generation + 1,
            "due_at": NOW,
            "priority": SWEEP,
            "attempts": 0,
            "inputs": None,
        }
        return bool(self._connection.execute(sa.update(subjects).where(untouched).values(changed)).rowcount)

    def mark_looks(self, looked_until: int, now: int, limit: int) -> int:
        """Who was last read afresh before then is read afresh, behind everything else; how many were chosen."""
        stale = (
            sa.select(subjects.c.subject)
            .join(identities, identities.c.subject == subjects.c.subject)
            .where(identities.c.identity_id.isnot(None), identities.c.looked_at < looked_until)
            .where(~subjects.c.look, subjects.c.parked_code.is_(None))
            .order_by(identities.c.looked_at)
            .limit(limit)
        )
        idle = sa.and_(subjects.c.lease_owner.is_(None), sa.func.coalesce(subjects.c.due_at, now) >= now)
        result = self._connection.execute(
            sa.update(subjects)
            .where(subjects.c.subject.in_(stale.scalar_subquery()))
            .values(
                look=True,
                due_at=sa.case((idle, now), else_=subjects.c.due_at),
                priority=sa.case((idle, BACKFILL), else_=subjects.c.priority),
            )
        )
        return int(result.rowcount)

    def owners_page(self, kinds: Sequence[str], after: str, limit: int) -> list[str]:
        """The next entities of these kinds, in order, that would own an identity."""
        query = (
            sa.select(facts.c.subject)
            .where(facts.c.entity_kind.in_(kinds), facts.c.subject > after)
            .order_by(facts.c.subject)
            .limit(limit)
            .distinct()
        )
        return list(self._connection.scalars(query))

    def get(self, subject: str) -> dict[str, Any] | None:
        query = sa.select(subjects).where(subjects.c.subject == subject)
        row = self._connection.execute(query).mappings().first()
        return dict(row) if row else None


def _release_values(result: Release) -> dict[str, object]:
    return {
        "subject": result.subject,
        "generation": result.generation,
        "done_generation": result.generation if result.done else 0,
        "due_at": result.due_at,
        "priority": SWEEP,
        "fence": result.fence,
        "attempts": result.attempts,
        "unclean": int(result.uncertain),
        "parked_code": result.parked_code,
        "parked_reason": result.parked_reason,
        "changes_at": result.changes_at,
        "inputs": result.inputs,
        "desired": result.desired,
        "access": result.access,
        "look": result.look,
    }
