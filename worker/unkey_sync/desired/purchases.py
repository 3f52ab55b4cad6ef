"""What a subject's billing facts amount to: which plans are bought, until when, and what nobody can place.

A plan is never read from one event: all subscriptions count together, as vendors replace one by another and
tell it in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unkey_sync_connectors.event import SUBSCRIPTION_STATUSES, Kind

from unkey_sync.desired.reading import LAST_INSTANT, Item, read_features, read_items, read_text
from unkey_sync.desired.terms import Term, compute_term
from unkey_sync.model import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from unkey_sync.model import Fact, State
    from unkey_sync.policy import MatchRule, PlanSpec, Policy


@dataclass(frozen=True, slots=True)
class Bought:
    """One purchase that means one plan. `rule` is the line of policy that says so."""

    plan: PlanSpec
    rule: str
    quantity: int | None


@dataclass(frozen=True, slots=True)
class Purchase:
    """A subscription or entitlement set, how long it counts, and the best plan it means (None: no plan)."""

    fact: Fact
    term: Term
    bought: Bought | None

    @property
    def precedence(self) -> tuple[int, int, int, int, str, str, str]:
        """Of two purchases the greater decides: rank, seats, lasting longer; the rest makes it total."""
        rank = self.bought.plan.rank if self.bought else 0
        seats = (self.bought.quantity or 0) if self.bought else 0
        until = LAST_INSTANT + 1 if self.term.until is None else self.term.until
        return rank, seats, until, self.fact.version, *_identity(self.fact)


def _identity(fact: Fact) -> tuple[str, str, str]:
    return fact.source, fact.entity.kind, fact.entity.id


def compute_purchases(state: State, policy: Policy) -> tuple[Purchase, ...]:
    """All purchases, living or not, in an order that depends on nothing but their content."""
    subscriptions = (_subscription(fact, policy) for fact in state.of(Kind.SUBSCRIPTION))
    entitlements = (_entitlements(fact, policy) for fact in state.of(Kind.ENTITLEMENTS) if not fact.deleted)
    return tuple(sorted([*subscriptions, *entitlements], key=lambda purchase: purchase.precedence))


def best(purchases: Iterable[Purchase]) -> Purchase | None:
    """The purchase that decides on the plan, None when none of them means one."""
    return max((p for p in purchases if p.bought), key=lambda purchase: purchase.precedence, default=None)


def compute_problems(purchases: Iterable[Purchase], policy: Policy, now: int) -> tuple[Problem, ...]:
    """What a person must place: living subscriptions that no plan matches, statuses that nobody knows."""
    subscriptions = [p for p in purchases if p.fact.entity.kind is Kind.SUBSCRIPTION]
    unknown = [
        Problem(_unknown_plan(p.fact), p.fact.event_id) for p in subscriptions if _is_unplaced(p, policy, now)
    ]
    odd = [
        Problem(_unknown_status(p.fact), p.fact.event_id) for p in subscriptions if _has_odd_status(p.fact)
    ]
    return tuple(sorted({*unknown, *odd}))


def _subscription(fact: Fact, policy: Policy) -> Purchase:
    found = (
        Bought(plan, rule, item.quantity)
        for item in read_items(fact.body)
        for plan, rule, match in _rules(policy, fact)
        if matches_item(match, item)
    )
    return Purchase(fact, compute_term(fact, policy.lifecycle), _highest(found))


def _entitlements(fact: Fact, policy: Policy) -> Purchase:
    features = read_features(fact.body)
    found = (
        Bought(plan, rule, None)
        for plan, rule, match in _rules(policy, fact)
        if match.entitlement in features
    )
    return Purchase(fact, Term(None, "default_plan", "builtin.entitled"), _highest(found))


def _highest(found: Iterable[Bought]) -> Bought | None:
    return max(found, key=lambda bought: (bought.plan.rank, bought.quantity or 0), default=None)


def _rules(policy: Policy, fact: Fact) -> Iterator[tuple[PlanSpec, str, MatchRule]]:
    for i, plan in enumerate(policy.plans):
        for j, match in enumerate(plan.match):
            if match.source == fact.source:
                yield plan, f"plans[{i}].match[{j}]", match


def matches_item(match: MatchRule, item: Item) -> bool:
    """Every selector that is given holds for this item."""
    wanted = (
        (match.lookup_key or match.plan, item.lookup_key),
        (match.product, item.product),
        (match.price, item.price),
    )
    return match.entitlement is None and all(want in (None, have) for want, have in wanted)


def _is_unplaced(purchase: Purchase, policy: Policy, now: int) -> bool:
    """Sources whose plans are read from entitlements alone need no plan for a subscription."""
    if purchase.bought or not purchase.term.is_live(now) or not any(plan.match for plan in policy.plans):
        return False
    rules = [match for _, _, match in _rules(policy, purchase.fact)]
    return not rules or any(match.entitlement is None for match in rules)


def _unknown_plan(fact: Fact) -> str:
    items = ", ".join(sorted(_describe(item) for item in read_items(fact.body))) or "no item"
    return f"unknown plan: {fact.source} subscription {fact.entity.id} ({items})"


def _describe(item: Item) -> str:
    named = (("lookup_key", item.lookup_key), ("product", item.product), ("price", item.price))
    return " ".join(f"{name}={value}" for name, value in named if value) or "an item without names"


def _has_odd_status(fact: Fact) -> bool:
    return not fact.deleted and read_text(fact.body, "status") not in SUBSCRIPTION_STATUSES


def _unknown_status(fact: Fact) -> str:
    return f"unknown status: {fact.source} subscription {fact.entity.id}"
