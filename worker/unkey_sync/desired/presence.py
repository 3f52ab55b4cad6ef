"""Does the subject exist, and may it do anything? Auth facts decide; billing alone where there is no auth.

Plans play no part here. See docs/policy.md, "Who exists".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync_connectors.event import Kind

from unkey_sync.desired.reading import LAST_INSTANT, read_text
from unkey_sync.links import is_stand_in
from unkey_sync.model import Access, SubjectKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unkey_sync.model import Fact, State, World
    from unkey_sync.policy import Policy

_SUBJECT_KINDS = {Kind.USER: SubjectKind.USER, Kind.ORGANIZATION: SubjectKind.ORGANIZATION}

_OWNERS = {
    "user": frozenset({Kind.USER}),
    "organization": frozenset({Kind.ORGANIZATION}),
    "both": frozenset({Kind.USER, Kind.ORGANIZATION}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """What auth says. `until`: the instant at which it changes by itself."""

    kind: SubjectKind
    access: Access
    rule: str
    fact: Fact | None = None
    until: int | None = None
    removed_since: int | None = None


def compute_presence(state: State, policy: Policy, world: World, now: int) -> Presence:
    """The subject's presence at `now` (microseconds). Independent of the order of facts."""
    if is_stand_in(state.subject):
        return Presence(kind=SubjectKind.UNKNOWN, access=Access.WAITING, rule="builtin.unlinked_customer")
    auth = [fact for fact in state.facts if fact.entity.kind in _SUBJECT_KINDS]
    owners = [fact for fact in auth if fact.entity.kind in _OWNERS[policy.subjects.owner]]
    if owners:
        return _owner(owners, policy, now)
    if auth:
        return _wrong_kind(auth, policy, now)
    if world.auth_sources:
        return Presence(kind=SubjectKind.UNKNOWN, access=Access.WAITING, rule="builtin.waits_for_auth")
    return _billing_only(state, policy, now)


def _owner(owners: Sequence[Fact], policy: Policy, now: int) -> Presence:
    living = [fact for fact in owners if not fact.deleted]
    if not living:
        return _gone(owners, policy, now)
    kind = _kind_of(living)
    blocks = [fact for fact in living if _suspends(fact, policy)]
    if not blocks:
        return Presence(kind=kind, access=Access.ENABLED, rule="builtin.exists", fact=_newest(living))
    fact = _newest(blocks)
    rule = f"lifecycle.{read_text(fact.body, 'blocked')}"
    return Presence(kind=kind, access=Access.SUSPENDED, rule=rule, fact=fact)


def _wrong_kind(auth: Sequence[Fact], policy: Policy, now: int) -> Presence:
    """Nothing is made for it; but a deletion is obeyed, as an older policy may have made something."""
    living = [fact for fact in auth if not fact.deleted]
    if not living:
        return _gone(auth, policy, now)
    return Presence(kind=_kind_of(living), access=Access.WAITING, rule="subjects.owner", fact=_newest(living))


def _billing_only(state: State, policy: Policy, now: int) -> Presence:
    customers = state.of(Kind.CUSTOMER)
    living = [fact for fact in customers or state.facts if not fact.deleted]
    if living:
        return Presence(
            kind=SubjectKind.UNKNOWN,
            access=Access.ENABLED,
            rule="builtin.exists_for_billing",
            fact=_newest(living),
        )
    if customers:
        return _gone(customers, policy, now)
    return Presence(kind=SubjectKind.UNKNOWN, access=Access.WAITING, rule="builtin.nothing_known")


def _gone(deleted: Sequence[Fact], policy: Policy, now: int) -> Presence:
    fact = _newest(deleted)
    erase_at = min(fact.version + policy.lifecycle.deleted.erase_after, LAST_INSTANT)
    retained = now < erase_at
    return Presence(
        kind=_kind_of(deleted),
        access=Access.RETAINED if retained else Access.REMOVED,
        rule="lifecycle.deleted",
        fact=fact,
        until=erase_at if retained else None,
        removed_since=None if retained else erase_at,
    )


def _suspends(fact: Fact, policy: Policy) -> bool:
    """A kind of block that no rule speaks of suspends: better a support call than a key in wrong hands."""
    blocked = read_text(fact.body, "blocked")
    rules = {
        "banned": policy.lifecycle.banned,
        "locked": policy.lifecycle.locked,
        "deprovisioned": policy.lifecycle.deprovisioned,
    }
    return blocked is not None and rules.get(blocked, "suspend") == "suspend"


def _kind_of(facts: Iterable[Fact]) -> SubjectKind:
    kinds = {_SUBJECT_KINDS.get(fact.entity.kind, SubjectKind.UNKNOWN) for fact in facts}
    return min(kinds)  # an organisation before a user, should one id ever name both


def _newest(facts: Iterable[Fact]) -> Fact:
    return max(facts, key=lambda fact: (fact.version, fact.source, fact.entity.kind, fact.entity.id))
