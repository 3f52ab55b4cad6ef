"""Statements of the standing check: enabled keys that nobody may use, looked for page by page and remembered.

A page costs the same whatever the ledger holds: closed subjects and enabled keys each have an index of their own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from unkey_sync.ledger import dialect
from unkey_sync.ledger.tables import CLOSED, breaches, identities, keys, rotations, subjects
from unkey_sync.model import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LEDGER = "ledger"
"""Seen in our own rows."""
UNKEY = "unkey"
"""Seen in an answer of Unkey."""
GONE = "gone"
BEYOND_SLOT = "beyond_slot"
CAUSES: Final = (*CLOSED, GONE, BEYOND_SLOT)

# Literals, or a prepared statement could not use the partial index.
_IS_CLOSED = sa.literal_column("subjects.access").in_([sa.literal_column(f"'{one}'") for one in CLOSED])


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """An enabled key that nobody may use. `seen_in`: the ledger's own rows, or an answer of Unkey."""

    key_id: str
    seen_in: str
    subject: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedSubject:
    """One whose keys must all be disabled, and nobody is at work on it. `fence`, `generation`: as of this look."""

    subject: str
    external_id: str | None
    access: str
    fence: int
    generation: int


class BreachRows:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def of_closed(self, after: str, limit: int, now: int) -> tuple[list[Breach], str]:
        """Enabled keys of the next closed subjects by name, and the last of these; "" when there are no more."""
        page = (
            sa.select(subjects.c.subject, subjects.c.access)
            .where(_IS_CLOSED, subjects.c.subject > after)
            .order_by(subjects.c.subject)
            .limit(limit)
        ).subquery()
        last, count = self._connection.execute(sa.select(sa.func.max(page.c.subject), sa.func.count())).one()
        if not count:
            return [], ""
        query = _enabled_of(page, now)
        return self._found(query), last if count == limit else ""

    def beyond_slots(self, after: str, limit: int) -> tuple[list[Breach], str]:
        """Of the next enabled keys by subject those that are too many in their slot, or of nobody; and how far."""
        following = sa.select(keys.c.subject).where(keys.c.enabled, keys.c.subject > after)
        last = self._connection.scalar(following.order_by(keys.c.subject).offset(limit - 1).limit(1))
        reach = keys.c.subject > after
        if last is not None:
            reach = sa.and_(reach, keys.c.subject <= last)
        return self._found(_superfluous(reach)), last or ""

    def still(self, key_ids: Sequence[str], now: int) -> list[Breach]:
        """Which of these keys are breaches by the ledger now."""
        names = sa.select(keys.c.subject).where(keys.c.key_id.in_(key_ids)).distinct()
        closed = (
            sa.select(subjects.c.subject, subjects.c.access)
            .where(_IS_CLOSED, subjects.c.subject.in_(names))
            .subquery()
        )
        return self._found(_enabled_of(closed, now)) + self._found(_superfluous(keys.c.subject.in_(names)))

    def note(self, found: Iterable[Breach], now: int) -> None:
        """Remember them, since the first time that they were seen."""
        rows = {(one.key_id, one.seen_in): {**asdict(one), "since": now, "seen_at": now} for one in found}
        if not rows:
            return
        query = dialect.insert(self._connection, breaches)
        newest = {name: query.excluded[name] for name in ("subject", "cause", "seen_at")}
        query = query.on_conflict_do_update(index_elements=["key_id", "seen_in"], set_=newest)
        self._connection.execute(query, [rows[key] for key in sorted(rows)])

    def forget(self, key_ids: Sequence[str], seen_in: str) -> None:
        if key_ids:
            self._connection.execute(
                sa.delete(breaches).where(breaches.c.seen_in == seen_in, breaches.c.key_id.in_(key_ids))
            )

    def longest_unseen(self, seen_in: str, limit: int) -> list[str]:
        """Key ids, those first that were looked at longest ago."""
        query = (
            sa.select(breaches.c.key_id)
            .where(breaches.c.seen_in == seen_in)
            .order_by(breaches.c.seen_at)
            .limit(limit)
        )
        return list(self._connection.scalars(query))

    def of_subject(self, subject: str, seen_in: str) -> list[str]:
        """Key ids."""
        query = sa.select(breaches.c.key_id).where(
            breaches.c.seen_in == seen_in, breaches.c.subject == subject
        )
        return list(self._connection.scalars(query))

    def to_ask_again(self, seen_until: int, now: int) -> ClosedSubject | None:
        """A subject with a breach in Unkey that was seen by then last, nobody being at work on it."""
        query = (
            _closed_subjects(now)
            .join(breaches, breaches.c.subject == subjects.c.subject)
            .where(breaches.c.seen_in == UNKEY, breaches.c.seen_at <= seen_until)
            .order_by(breaches.c.seen_at)
        )
        return self._one_closed(query)

    def next_closed(self, after: str, now: int) -> ClosedSubject | None:
        """The next closed subject by name, nobody being at work on it."""
        query = _closed_subjects(now).where(subjects.c.subject > after).order_by(subjects.c.subject)
        return self._one_closed(query)

    def counts(self, noted_until: int) -> dict[str, int]:
        """Keys by cause: what Unkey shows at once, what the ledger says when it was so by then already."""
        query = (
            sa.select(breaches.c.cause, sa.func.count(breaches.c.key_id.distinct()))
            .where(_counts(noted_until))
            .group_by(breaches.c.cause)
        )
        found = {cause: int(count) for cause, count in self._connection.execute(query)}
        return {cause: found.get(cause, 0) for cause in CAUSES}

    def page(self, noted_until: int, limit: int) -> list[dict[str, Any]]:
        """Longest known first."""
        query = sa.select(breaches).where(_counts(noted_until)).order_by(breaches.c.since).limit(limit)
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def _found(self, query: sa.Select[Any]) -> list[Breach]:
        return [
            Breach(key_id=row.key_id, seen_in=LEDGER, subject=row.subject, cause=row.cause)
            for row in self._connection.execute(query)
        ]

    def _one_closed(self, query: sa.Select[Any]) -> ClosedSubject | None:
        row = self._connection.execute(query.limit(1)).mappings().first()
        return ClosedSubject(**row) if row else None


def _enabled_of(closed: sa.Subquery, now: int) -> sa.Select[Any]:
    lives = sa.or_(keys.c.expires_at.is_(None), keys.c.expires_at > now)
    return (
        sa.select(keys.c.key_id, keys.c.subject, closed.c.access.label("cause"))
        .join(closed, closed.c.subject == keys.c.subject)
        .where(keys.c.enabled, lives)
    )


def _superfluous(reach: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Keys without an end beside a newer one in their slot, keys that a rotation ended at once, keys of nobody."""
    rank = sa.func.row_number().over(
        partition_by=(keys.c.subject, keys.c.slot, keys.c.member),
        order_by=(keys.c.generation.desc(), keys.c.key_id),
    )
    ended = sa.and_(rotations.c.overlap_until <= AT_ONCE, keys.c.generation < rotations.c.generation)
    turned = sa.and_(
        rotations.c.subject == keys.c.subject,
        rotations.c.slot == keys.c.slot,
        rotations.c.member == keys.c.member,
    )
    usable = (
        sa.select(
            keys.c.key_id,
            keys.c.subject,
            keys.c.slot,
            rank.label("rank"),
            sa.case((ended, 1), else_=0).label("ended"),
            subjects.c.subject.label("owner"),
        )
        .join(rotations, turned, isouter=True)
        .join(subjects, subjects.c.subject == keys.c.subject, isouter=True)
        .where(keys.c.enabled, keys.c.expires_at.is_(None), reach)
    ).subquery()
    cause = sa.case((usable.c.owner.is_(None), GONE), else_=BEYOND_SLOT)
    too_many = sa.and_(usable.c.slot.isnot(None), sa.or_(usable.c.rank > 1, usable.c.ended == 1))
    return sa.select(usable.c.key_id, usable.c.subject, cause.label("cause")).where(
        sa.or_(usable.c.owner.is_(None), too_many)
    )


def _closed_subjects(now: int) -> sa.Select[Any]:
    """Those at rest: a closing that is under way, or waits for its next attempt, explains an enabled key."""
    at_rest = sa.and_(
        subjects.c.lease_owner.is_(None),
        sa.or_(subjects.c.due_at.is_(None), subjects.c.due_at > now),
        sa.or_(subjects.c.done_generation == subjects.c.generation, subjects.c.parked_code.isnot(None)),
    )
    return (
        sa.select(
            subjects.c.subject,
            identities.c.external_id,
            subjects.c.access,
            subjects.c.fence,
            subjects.c.generation,
        )
        .join(identities, identities.c.subject == subjects.c.subject, isouter=True)
        .where(_IS_CLOSED, at_rest)
    )


def _counts(noted_until: int) -> sa.ColumnElement[bool]:
    return sa.or_(breaches.c.seen_in == UNKEY, breaches.c.since <= noted_until)
