"""Facts + policy + now -> Desired. Total and pure: no input makes it fail, equal input gives equal output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unkey_sync_connectors.event import Kind

from unkey_sync.desired.holding import Holding
from unkey_sync.desired.keyslots import Terms, compute_keys, compute_others
from unkey_sync.desired.presence import Presence, compute_presence
from unkey_sync.desired.purchases import best, compute_problems, compute_purchases
from unkey_sync.desired.reading import read_text
from unkey_sync.desired.reasons import explain
from unkey_sync.desired.topups import compute_top_ups
from unkey_sync.externalid import encode
from unkey_sync.model import Access, Desired, RateLimit, SubjectKind
from unkey_sync.policy.plans import RESERVED_META

if TYPE_CHECKING:
    from unkey_sync.desired.purchases import Purchase
    from unkey_sync.model import Fact, State, World
    from unkey_sync.policy import PlanSpec, Policy

LARGEST_LIMIT = 2**63 - 1
"""Unkey's upper bound of a rate limit (Unkey OpenAPI)."""


def compute_desired(state: State, policy: Policy, world: World, now: int) -> Desired:
    """What Unkey should hold for a subject at `now` (microseconds), and when that changes by itself.

    The order of facts plays no part. Nothing is raised, whatever the bodies hold.
    """
    presence = compute_presence(state, policy, world, now)
    if presence.access in (Access.ENABLED, Access.SUSPENDED):
        return _present(state, policy, presence, now)
    return _absent(state, presence)


def _present(state: State, policy: Policy, presence: Presence, now: int) -> Desired:
    purchases = compute_purchases(state, policy)
    holding = compute_holding(purchases, policy, now)
    seats = _count_seats(state, presence, holding.purchase)
    terms = Terms(policy, presence.kind, holding.plan, trial=_is_trial(holding))
    desired = Desired(
        external_id=encode(state.subject),
        kind=presence.kind,
        access=Access.SUSPENDED if holding.lapsed else presence.access,
        plan=holding.plan.name if holding.plan else None,
        meta=_to_meta(holding.plan, seats),
        ratelimits=_to_ratelimits(holding.plan, seats),
        keys=compute_keys(state, terms),
        top_ups=compute_top_ups(state, policy),
        others=compute_others(state, terms),
        seats=seats,
        changes_at=holding.ending.term.until if holding.ending else None,
        problems=compute_problems(purchases, policy, now),
    )
    return explain(desired, presence, holding)


def _absent(state: State, presence: Presence) -> Desired:
    desired = Desired(
        external_id=encode(state.subject),
        kind=presence.kind,
        access=presence.access,
        changes_at=presence.until,
        removed_since=presence.removed_since,
    )
    return explain(desired, presence, None)


def compute_holding(purchases: tuple[Purchase, ...], policy: Policy, now: int) -> Holding:
    """The highest plan of what is live; else of what lapsed into suspension; else the default plan."""
    live = [purchase for purchase in purchases if purchase.term.is_live(now)]
    lapsed = [] if live else [purchase for purchase in purchases if purchase.term.then == "suspend"]
    chosen = best(live or lapsed)
    # A lower plan's end changes nothing while a higher one lives; the unplaced are reported until they end.
    ending = [p for p in live if p.term.until and (p is chosen or p.bought is None)]
    return Holding(
        plan=chosen.bought.plan if chosen and chosen.bought else policy.default_plan,
        rule=chosen.bought.rule if chosen and chosen.bought else _default_rule(policy),
        purchase=chosen,
        lapsed=(chosen or lapsed[-1]) if lapsed else None,
        ending=min(ending, key=lambda p: (p.term.until, p.precedence), default=None),
    )


def _default_rule(policy: Policy) -> str:
    positions = (i for i, plan in enumerate(policy.plans) if plan.default)
    return next((f"plans[{i}].default" for i in positions), "builtin.no_default_plan")


def _is_trial(holding: Holding) -> bool:
    return holding.purchase is not None and read_text(holding.purchase.fact.body, "status") == "trialing"


def _count_seats(state: State, presence: Presence, purchase: Purchase | None) -> int:
    """What was paid for, where the source counts it; else the organisation's members; at least 1."""
    if purchase and purchase.bought and purchase.bought.quantity:
        return purchase.bought.quantity
    if presence.kind is not SubjectKind.ORGANIZATION:
        return 1
    organizations = {fact.entity.id for fact in state.of(Kind.ORGANIZATION)}
    members = {_member(fact) for fact in state.of(Kind.MEMBERSHIP) if _is_member(fact, organizations)}
    return max(len(members), 1)


def _is_member(fact: Fact, organizations: set[str]) -> bool:
    return not fact.deleted and read_text(fact.body, "organization") in organizations


def _member(fact: Fact) -> str:
    return read_text(fact.body, "user") or fact.entity.id


def _to_meta(plan: PlanSpec | None, seats: int) -> dict[str, Any]:
    """The plan's fields, and under `sync` their names: ours can be told from others' without the ledger."""
    fields = plan.identity.meta if plan else {}
    sync: dict[str, Any] = {"fields": sorted(fields)}
    if plan:
        sync["plan"] = plan.name
    if plan and any(limit.per_seat for limit in plan.identity.ratelimits):
        sync["seats"] = seats
    return {**fields, RESERVED_META: sync}


def _to_ratelimits(plan: PlanSpec | None, seats: int) -> tuple[RateLimit, ...]:
    rules = plan.identity.ratelimits if plan else ()
    return tuple(
        sorted(
            RateLimit(
                name=rule.name,
                limit=min(rule.limit * (seats if rule.per_seat else 1), LARGEST_LIMIT),
                duration=rule.duration // 1000,
                auto_apply=rule.auto_apply,
            )
            for rule in rules
        )
    )
