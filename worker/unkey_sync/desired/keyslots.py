"""Which keys a subject should have: its slots, with the roles and the quota that plan and role mapping give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors.event import Kind

from unkey_sync.desired.reading import read_text
from unkey_sync.model import DesiredKey, Quota, Slot, SubjectKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync.model import Fact, State
    from unkey_sync.policy import KeySlot, PlanSpec, Policy


def compute_keys(
    state: State, policy: Policy, kind: SubjectKind, plan: PlanSpec | None
) -> tuple[DesiredKey, ...]:
    """The keys of a subject that may do something, in the order of slot and member."""
    found = (key for slot in policy.keys for key in _of_slot(slot, state, policy, kind, plan))
    return tuple(sorted(found, key=lambda key: key.slot))


def _of_slot(
    slot: KeySlot, state: State, policy: Policy, kind: SubjectKind, plan: PlanSpec | None
) -> Iterator[DesiredKey]:
    if slot.per == "subject":
        roles = plan.key.roles if plan else ()
        yield _key(slot, "", plan, _mapped(state, policy, kind) | set(roles))
        return
    if kind is not SubjectKind.ORGANIZATION:
        return
    for member, role in _members(state):
        yield _key(slot, member, plan, set(policy.role_mapping.get(role, ())))


def _key(slot: KeySlot, member: str, plan: PlanSpec | None, roles: set[str]) -> DesiredKey:
    return DesiredKey(
        slot=Slot(slot.slot, member),
        prefix=slot.prefix,
        roles=frozenset(roles),
        quota=_quota(plan),
        deliver=slot.deliver,
    )


def _quota(plan: PlanSpec | None) -> Quota | None:
    credits = plan.key.credits if plan else None
    if credits is None:
        return None
    refill = credits.refill
    if refill is None:
        return Quota(credits.remaining)
    return Quota(credits.remaining, refill.interval, refill.amount, refill.day)


def _mapped(state: State, policy: Policy, kind: SubjectKind) -> set[str]:
    """Roles that a user's own keys get through the organisations it belongs to."""
    if kind is not SubjectKind.USER:
        return set()
    roles = (role for user, role in _members(state) if user == state.subject)
    return {name for role in roles for name in policy.role_mapping.get(role, ())}


def _members(state: State) -> Iterator[tuple[str, str]]:
    """(user, role) of each living membership."""
    for fact in state.of(Kind.MEMBERSHIP):
        if not fact.deleted and (user := _user(fact)):
            yield user, read_text(fact.body, "role") or ""


def _user(fact: Fact) -> str | None:
    return read_text(fact.body, "user")
