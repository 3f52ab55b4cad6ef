"""Which keys a subject should have: its slots, with the roles and the quota that plan and role mapping give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync_connectors.event import Kind

from unkey_sync.desired.reading import read_text
from unkey_sync.model import DesiredKey, OthersRoles, Quota, Slot, SubjectKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync.model import Fact, State
    from unkey_sync.policy import KeySlot, PlanSpec, Policy
    from unkey_sync.policy.credits import Credits


@dataclass(frozen=True, slots=True)
class Terms:
    """What a subject's keys get from its plan. `trial`: the plan is only being tried."""

    policy: Policy
    kind: SubjectKind
    plan: PlanSpec | None
    trial: bool = False

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(self.plan.key.roles if self.plan else ())

    @property
    def credits(self) -> Credits | None:
        if self.plan is None:
            return None
        key = self.plan.key
        return key.trial_credits or key.credits if self.trial else key.credits


def compute_keys(state: State, terms: Terms) -> tuple[DesiredKey, ...]:
    """The keys of a subject that may do something, in the order of slot and member."""
    found = (key for slot in terms.policy.keys for key in _of_slot(slot, state, terms))
    return tuple(sorted(found, key=lambda key: key.slot))


def compute_others(state: State, terms: Terms) -> OthersRoles | None:
    """The roles of keys that others made for the identity; None when they are left alone."""
    if terms.policy.key_roles.scope == "managed":
        return None
    return OthersRoles(terms.roles | _mapped(state, terms), terms.policy.managed_roles)


def _of_slot(slot: KeySlot, state: State, terms: Terms) -> Iterator[DesiredKey]:
    if slot.per == "subject":
        yield _key(slot, "", terms, terms.roles | _mapped(state, terms))
        return
    if terms.kind is not SubjectKind.ORGANIZATION:
        return
    for member, role in _members(state):
        yield _key(slot, member, terms, frozenset(terms.policy.role_mapping.get(role, ())))


def _key(slot: KeySlot, member: str, terms: Terms, roles: frozenset[str]) -> DesiredKey:
    credits = terms.credits
    return DesiredKey(
        slot=Slot(slot.slot, member),
        prefix=slot.prefix,
        roles=roles,
        quota=_quota(credits),
        carry=credits is not None and credits.on_change == "carry",
        deliver=slot.deliver,
        notify=slot.notify,
        imported=slot.strategy == "migrate",
    )


def _quota(credits: Credits | None) -> Quota | None:
    if credits is None:
        return None
    refill = credits.refill
    if refill is None:
        return Quota(credits.remaining)
    return Quota(credits.remaining, refill.interval, refill.amount, refill.day)


def _mapped(state: State, terms: Terms) -> frozenset[str]:
    """Roles that a user's own keys get through the organisations it belongs to."""
    if terms.kind is not SubjectKind.USER:
        return frozenset()
    roles = (role for user, role in _members(state) if user == state.subject)
    return frozenset(name for role in roles for name in terms.policy.role_mapping.get(role, ()))


def _members(state: State) -> Iterator[tuple[str, str]]:
    """(user, role) of each living membership."""
    for fact in state.of(Kind.MEMBERSHIP):
        if not fact.deleted and (user := _user(fact)):
            yield user, read_text(fact.body, "role") or ""


def _user(fact: Fact) -> str | None:
    return read_text(fact.body, "user")
