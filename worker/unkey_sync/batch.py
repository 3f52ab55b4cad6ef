"""What a batch of events changes: facts, links, subjects. Pure: the inbox loads what is known and saves the answer."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from unkey_sync_connectors.event import AUTH_KINDS, Event, Kind

from unkey_sync import directories, facts
from unkey_sync.ledger.codec import to_fact
from unkey_sync.ledger.event_rows import APPLIED, PENDING, WAITING
from unkey_sync.ledger.fact_rows import CustomerKey, FactKey, FactRow, LinkRow
from unkey_sync.links import compute_link, stand_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unkey_sync.ledger.event_rows import EventRow


_OWNED = frozenset({Kind.CHECKOUT, Kind.SUBSCRIPTION, Kind.ENTITLEMENTS, Kind.ORDER})
"""Kinds of entity that mean nothing without their customer."""


@dataclass(frozen=True, slots=True)
class Said:
    """An event and our id of it. `covers`: for an object read from its source, what was known when reading began."""

    event_id: str
    event: Event
    covers: facts.Register | None = None

    def is_old(self, before: FactRow) -> bool:
        """True for what was heard already. A listing says the same of nearly everything, at every backfill."""
        return self.covers is None and before.register.has_heard(self.event)

    def register(self) -> facts.Register:
        if self.covers is None:
            return facts.from_event(self.event, self.event_id)
        return facts.settle(self.covers, self.event, self.event_id)


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who owns an identity, and how a billing customer names its owner."""

    kinds: frozenset[Kind]
    """USER, ORGANIZATION or both."""
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an event row belongs, and whether anything is left to do for it."""

    state: str
    reason: str | None
    subject: str | None
    customer: str | None

    def put(self, row: EventRow) -> EventRow:
        return replace(
            row, state=self.state, reason=self.reason, subject=self.subject, customer=self.customer
        )


@dataclass(slots=True, kw_only=True)
class Change:
    """What to write. `news`: ids of the events that changed what is known or must be followed up."""

    facts: list[FactRow] = field(default_factory=list)
    links: list[LinkRow] = field(default_factory=list)
    relinked: list[LinkRow] = field(default_factory=list)
    subjects: set[str] = field(default_factory=set)
    placements: dict[str, Placement] = field(default_factory=dict)
    news: set[str] = field(default_factory=set)

    def put(self, row: EventRow) -> EventRow:
        """The row as it is to be inserted; what concerns no entity stays as it is."""
        placement = self.placements.get(row.id)
        return placement.put(row) if placement else row


def keys_of(said: Sequence[Said]) -> list[FactKey]:
    """What they speak of, and the directories that it comes from."""
    return sorted({key_of(one.event) for one in said}.union(directories.touched(one.event for one in said)))


def key_of(event: Event) -> FactKey:
    assert event.entity is not None  # noqa: S101  -- ignored events never come here
    return event.source, event.entity.kind.value, event.entity.id


def customers_of(said: Sequence[Said]) -> list[CustomerKey]:
    found = {(one.event.source, customer) for one in said if (customer := customer_of(one.event)) is not None}
    return sorted(found)


def customer_of(event: Event) -> str | None:
    """The billing customer an event hangs on."""
    if event.owner is not None and event.owner.kind is Kind.CUSTOMER:
        return event.owner.id
    if event.entity is not None and event.entity.kind is Kind.CUSTOMER:
        return event.entity.id
    return None


def body_digest(source: str, raw: bytes) -> str:
    """A delivery id for what names none: the same body is the same delivery."""
    return "body:" + hashlib.sha256(source.encode() + b"\0" + raw).hexdigest()


def compute_change(
    said: Sequence[Said],
    known: Mapping[FactKey, FactRow],
    links: Mapping[CustomerKey, LinkRow],
    ownership: Ownership,
) -> Change:
    """Merge what is said into what is known."""
    change = Change()
    merged = _merge(said, known)
    _end_with_directories(change, merged, known, ownership)
    linked = _link(change, known, merged, links, ownership)
    for key, row in merged.items():
        placed = _placed(row, linked)
        merged[key] = placed
        if placed != known.get(key):
            change.facts.append(placed)
    for one in said:
        key = key_of(one.event)
        _place(change, one.event_id, merged[key], known.get(key), ownership)
    return change


def _placed(row: FactRow, linked: Mapping[CustomerKey, str | None]) -> FactRow:
    """The row with the subject that its customer is linked to now."""
    customer = row.customer_key
    if customer is None:
        return _asking(row)
    return row if row.subject == linked[customer] else replace(row, subject=linked[customer])


def _merge(said: Sequence[Said], known: Mapping[FactKey, FactRow]) -> dict[FactKey, FactRow]:
    merged: dict[FactKey, FactRow] = {}
    for one in said:
        key = key_of(one.event)
        before = merged.get(key) or known.get(key)
        if before is None:
            merged[key] = _new_row(one.event, one.register())
        elif one.is_old(before) and (before.owner or not one.event.owner):
            merged[key] = before
        else:
            merged[key] = _moved(before, one.event, facts.join(before.register, one.register()))
    return merged


def _end_with_directories(
    change: Change, merged: dict[FactKey, FactRow], known: Mapping[FactKey, FactRow], ownership: Ownership
) -> None:
    """Most of those who go with a directory have no event of their own in the batch: they are woken here."""
    for key, row in directories.ended({**known, **merged}).items():
        merged[key] = row
        before = known.get(key)
        if not row.register.says_the_same(before.register if before else None):
            change.subjects.update(_owners(row, ownership))


def _new_row(event: Event, register: facts.Register) -> FactRow:
    assert event.entity is not None  # noqa: S101
    return FactRow(
        source=event.source,
        entity=event.entity,
        register=register,
        subject=_auth_subject(event),
        member=event.member.id if event.member else None,
        customer=customer_of(event),
        owner=event.owner,
    )


def _moved(row: FactRow, event: Event, register: facts.Register) -> FactRow:
    """A first statement may have been too poor to say where the entity belongs (a bare delete, a signal)."""
    return replace(
        row,
        register=register,
        subject=row.subject or _auth_subject(event),
        member=row.member or (event.member.id if event.member else None),
        customer=row.customer or customer_of(event),
        owner=row.owner or event.owner,
    )


def _auth_subject(event: Event) -> str | None:
    """The subject that an auth entity, or what hangs on one, belongs to. A directory owns nobody's identity."""
    in_directory = event.owner is not None and event.owner.kind is Kind.DIRECTORY
    holder = event.entity if in_directory else event.owner or event.entity
    if holder is None or holder.kind not in AUTH_KINDS:
        return None
    return holder.id


def _asking(row: FactRow) -> FactRow:
    """What was only named, never shown, may belong to anybody: whoever works on its stand-in asks the source."""
    if row.subject is None and row.register.doubt and row.entity.kind in _OWNED:
        return replace(row, subject=stand_in(row.source, f"{row.entity.kind}:{row.entity.id}"))
    return row


def _link(
    change: Change,
    known: Mapping[FactKey, FactRow],
    merged: Mapping[FactKey, FactRow],
    links: Mapping[CustomerKey, LinkRow],
    ownership: Ownership,
) -> dict[CustomerKey, str | None]:
    """The subject of every customer in the batch, from all its facts; notes links that are new or have moved."""
    touched = {row.customer_key for row in merged.values() if row.customer_key is not None}
    learnt = {row.customer_key for key, row in merged.items() if row is not known.get(key)}
    by_customer: dict[CustomerKey, list[FactRow]] = defaultdict(list)
    for row in {**known, **merged}.values():
        if row.customer_key in touched:
            by_customer[row.customer_key].append(row)
    linked: dict[CustomerKey, str | None] = {}
    for customer, rows in by_customer.items():
        said = [to_fact(row.source, row.entity, row.register) for row in rows]
        subject = compute_link(said, ownership.rules)
        if subject is None and any(row.register.doubt for row in rows):
            subject = stand_in(*customer)
        linked[customer] = subject
        before = links.get(customer)
        if before is None or customer in learnt or before.subject != subject:
            _note_link(change, customer, subject, before)
    return linked


def _note_link(change: Change, customer: CustomerKey, subject: str | None, before: LinkRow | None) -> None:
    row = LinkRow(source=customer[0], customer=customer[1], subject=subject, rev=before.rev if before else 0)
    # Also for a link that stays: its revision is what two writers of one customer's facts collide on.
    change.links.append(row)
    was = before.subject if before else None
    if subject == was:
        return
    change.relinked.append(row)
    change.subjects.update(one for one in (was, subject) if one is not None)


def _place(change: Change, event_id: str, row: FactRow, before: FactRow | None, ownership: Ownership) -> None:
    """Decide the event's own state and subject, and whom it wakes."""
    owners = _owners(row, ownership)
    news = before is None or not row.register.says_the_same(before.register) or row.register.doubt
    if news:
        change.news.add(event_id)
        change.subjects.update(owners)
    waits = not owners and row.customer is not None and not row.register.deleted
    state = WAITING if waits else PENDING if owners else APPLIED
    change.placements[event_id] = Placement(
        state=state if news or waits else APPLIED,
        reason=None if news or waits else "says nothing new",
        subject=_finisher(row, owners),
        customer=row.customer,
    )


def _finisher(row: FactRow, owners: set[str]) -> str | None:
    """Whose turn finishes the event: where only users own identities, a membership is its user's business."""
    return row.subject if row.subject in owners or not owners else min(owners)


def _owners(row: FactRow, ownership: Ownership) -> set[str]:
    """The subjects that a fact concerns, given who owns identities."""
    if row.entity.kind is Kind.MEMBERSHIP:
        found = {row.subject if Kind.ORGANIZATION in ownership.kinds else None}
        found.add(row.member if Kind.USER in ownership.kinds else None)
        return {one for one in found if one is not None}
    if row.entity.kind in AUTH_KINDS and row.entity.kind not in ownership.kinds:
        return set()
    return {row.subject} if row.subject is not None else set()
