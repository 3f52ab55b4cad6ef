"""Which plan, until when, with which limits."""

from __future__ import annotations

import pytest
from unkey_sync.clock import DAY, SECOND
from unkey_sync.desired import compute_desired
from unkey_sync.desired.reading import LAST_INSTANT
from unkey_sync.model import Access, Desired, Fact, RateLimit, State
from unkey_sync_connectors.event import Kind

from tests.unit.core.given import (
    AUTH,
    NOW,
    TIERS,
    desired,
    entitlements,
    fact,
    member,
    organization,
    policy,
    subscription,
)

LATER = NOW + 10 * DAY
EARLIER = NOW - 10 * DAY


def plan_of(*facts: Fact, rules: str = TIERS, now: int = NOW) -> tuple[str | None, Access, int | None]:
    result = desired(organization(), *facts, rules=rules, now=now)
    return result.plan, result.access, result.changes_at


def texts(result: Desired) -> tuple[str, ...]:
    return tuple(problem.text for problem in result.problems)


FREE = ("free", Access.ENABLED, None)
PRO = ("pro", Access.ENABLED, None)


@pytest.mark.parametrize(
    ("sold", "expected"),
    [
        (subscription("active"), PRO),
        (subscription("active", period_end=EARLIER), PRO),
        (subscription("active", cancel_at=LATER), ("pro", Access.ENABLED, LATER)),
        (subscription("active", cancel_at=EARLIER), FREE),
        (subscription("active", cancel_at=NOW), FREE),
        (subscription("active", cancel_at_period_end=True, period_end=LATER), ("pro", Access.ENABLED, LATER)),
        (subscription("active", cancel_at_period_end=True, period_end=LATER, cancel_at=LATER - 1),
         ("pro", Access.ENABLED, LATER - 1)),
        (subscription("active", cancel_at_period_end=True), PRO),
        (subscription("active", deleted=True), FREE),
        (subscription("trialing"), PRO),
        (subscription("trialing", trial_end=LATER), ("pro", Access.ENABLED, LATER)),
        (subscription("trialing", trial_end=LATER, cancel_at=LATER - 7), ("pro", Access.ENABLED, LATER - 7)),
        (subscription("trialing", trial_end=EARLIER), FREE),
        (subscription("canceled", period_end=LATER), ("pro", Access.ENABLED, LATER)),
        (subscription("canceled", period_end=EARLIER), FREE),
        (subscription("canceled"), FREE),
        (subscription("past_due", past_due_since=NOW), ("pro", Access.ENABLED, NOW + 7 * DAY)),
        (subscription("past_due", version=NOW), ("pro", Access.ENABLED, NOW + 7 * DAY)),
        (subscription("past_due", past_due_since=EARLIER), ("pro", Access.SUSPENDED, None)),
        (subscription("past_due", version=-5), ("pro", Access.SUSPENDED, None)),
        (subscription("paused"), FREE),
        (subscription("incomplete"), FREE),
        (subscription("ended", period_end=LATER), FREE),
        (subscription("trialing", trial_end="soon"), PRO),
        (subscription("trialing", trial_end=True), PRO),
        (subscription("active", cancel_at=LAST_INSTANT + 1), PRO),
    ],
)  # fmt: skip
def test_a_status_grants_what_the_default_lifecycle_says(sold, expected) -> None:
    result = plan_of(sold)

    assert result == expected


@pytest.mark.parametrize(
    ("lifecycle", "sold", "expected"),
    [
        ('past_due = { then = "default_plan" }', subscription("past_due", past_due_since=EARLIER), FREE),
        ('past_due = { grace = "30d" }', subscription("past_due", past_due_since=EARLIER),
         ("pro", Access.ENABLED, EARLIER + 30 * DAY)),
        ('canceled = { access = "now" }', subscription("canceled", period_end=LATER), FREE),
        ('canceled = { then = "suspend" }', subscription("ended"), ("pro", Access.SUSPENDED, None)),
        ('canceled = { then = "suspend" }', subscription("ended", "odd"), ("free", Access.SUSPENDED, None)),
        ('trialing = { grace = "1h" }', subscription("trialing", trial_end=NOW - 60 * SECOND),
         ("pro", Access.ENABLED, NOW + 3540 * SECOND)),
        ('paused = "keep"', subscription("paused"), PRO),
        ('paused = "suspend"', subscription("paused"), ("pro", Access.SUSPENDED, None)),
    ],
)  # fmt: skip
def test_the_lifecycle_can_be_changed(lifecycle, sold, expected) -> None:
    result = plan_of(sold, rules=f"{TIERS}\n[lifecycle]\n{lifecycle}")

    assert result == expected


def test_the_highest_rank_of_all_living_subscriptions_counts() -> None:
    result = plan_of(subscription(item="max", sub_id="sub_2"), subscription(item="pro"))

    assert result == ("max", Access.ENABLED, None)


def test_a_replaced_subscription_that_ends_late_takes_nothing_away() -> None:
    result = plan_of(subscription("ended", item="max", sub_id="old"), subscription(item="pro", sub_id="new"))

    assert result == PRO


def test_a_living_subscription_outweighs_an_unpaid_one() -> None:
    unpaid = subscription("past_due", item="max", sub_id="old", past_due_since=EARLIER)

    assert plan_of(unpaid, subscription(item="pro", sub_id="new")) == PRO


def test_the_end_of_a_lower_plan_is_no_change() -> None:
    result = plan_of(subscription(item="max"), subscription(item="pro", sub_id="sub_2", cancel_at=LATER))

    assert result == ("max", Access.ENABLED, None)


def test_an_entitlement_can_mean_a_plan() -> None:
    assert plan_of(entitlements("max", "other")) == ("max", Access.ENABLED, None)
    assert plan_of(entitlements("max", deleted=True)) == FREE
    assert plan_of(entitlements("other")) == FREE


def test_every_selector_of_a_match_must_hold_for_one_item() -> None:
    rules = '[[plans]]\nname = "p"\nmatch = [{ source = "stripe", product = "a", price = "b" }]'
    both = {"status": "active", "items": [{"product": "a", "price": "b"}]}
    apart = {"status": "active", "items": [{"product": "a"}, {"price": "b"}]}

    assert plan_of(fact(Kind.SUBSCRIPTION, "s", both), rules=rules)[0] == "p"
    assert plan_of(fact(Kind.SUBSCRIPTION, "s", apart), rules=rules)[0] is None


def test_a_match_speaks_of_its_own_source_only() -> None:
    result = plan_of(subscription(source="stripe-eu"))

    assert result[0] == "free"


def test_without_any_plan_there_is_no_plan() -> None:
    result = desired(organization(), subscription(), rules="")

    assert (result.plan, result.ratelimits, result.meta) == (None, (), {"sync": {"fields": []}})
    assert result.problems == ()


def test_a_subscription_that_no_plan_matches_is_reported_and_takes_nothing_away() -> None:
    known = subscription(item="pro", sub_id="sub_1")
    unknown = subscription(item="gold", sub_id="sub_2", cancel_at=LATER)

    result = desired(organization(), known, unknown)

    assert result.plan == "pro"
    assert texts(result) == ("unknown plan: stripe subscription sub_2 (lookup_key=gold)",)
    assert result.changes_at == LATER


def test_an_unknown_plan_alone_gives_the_default_plan_and_a_problem() -> None:
    nameless = fact(Kind.SUBSCRIPTION, "sub_1", {"status": "active", "items": [{}, "x"]})

    result = desired(organization(), nameless, fact(Kind.SUBSCRIPTION, "sub_2", {"status": "active"}))

    assert (result.plan, result.access) == ("free", Access.ENABLED)
    assert texts(result) == (
        "unknown plan: stripe subscription sub_1 (an item without names)",
        "unknown plan: stripe subscription sub_2 (no item)",
    )


def test_a_dead_subscription_of_an_unknown_plan_is_no_problem() -> None:
    result = desired(organization(), subscription("ended", "gold"))

    assert result.problems == ()


def test_a_source_whose_plans_are_entitlements_needs_no_plan_for_a_subscription() -> None:
    rules = '[[plans]]\nname = "p"\nmatch = [{ source = "stripe", entitlement = "e" }]'

    result = desired(organization(), subscription(item="gold"), entitlements("e"), rules=rules)

    assert (result.plan, result.problems) == ("p", ())


def test_a_status_that_nobody_knows_grants_nothing_and_is_reported() -> None:
    result = desired(
        organization(), subscription("in_space"), subscription("odd", sub_id="sub_9", deleted=True)
    )

    assert result.plan == "free"
    assert texts(result) == ("unknown status: stripe subscription sub_1",)


def test_seats_are_the_quantity_that_was_paid_for() -> None:
    result = desired(organization(), member(1), subscription(quantity=5))

    assert result.seats == 5
    assert result.ratelimits == (RateLimit("requests", 5000, 60_000, True),)
    assert result.meta == {"support": "priority", "sync": {"fields": ["support"], "plan": "pro", "seats": 5}}


def test_without_a_quantity_seats_are_the_living_members() -> None:
    stranger = fact(Kind.MEMBERSHIP, "m", {"organization": "org_2", "user": "user_9"})
    twice = fact(Kind.MEMBERSHIP, "n", {"organization": "org_1", "user": "user_1"}, source="workos")
    nameless = fact(Kind.MEMBERSHIP, "o", {"organization": "org_1"})

    result = desired(
        organization(),
        member(1),
        member(2),
        member(3, deleted=True),
        stranger,
        twice,
        nameless,
        subscription(),
    )

    assert result.seats == 3


@pytest.mark.parametrize("quantity", [0, -1, True, "7", None])
def test_an_impossible_quantity_counts_as_none(quantity) -> None:
    result = desired(organization(), subscription(quantity=quantity))

    assert result.seats == 1


def test_the_same_plan_bought_twice_counts_the_larger_quantity() -> None:
    result = desired(organization(), subscription(quantity=2), subscription(quantity=9, sub_id="sub_2"))

    assert result.seats == 9


def test_a_limit_never_grows_beyond_what_unkey_takes() -> None:
    result = desired(organization(), subscription(quantity=2**62))

    assert result.ratelimits[0].limit == 2**63 - 1


def test_a_user_has_one_seat() -> None:
    state = State(subject="u", facts=(fact(Kind.USER, "u"), member(1), member(2)))

    result = compute_desired(state, policy(), AUTH, NOW)

    assert result.seats == 1


def test_more_seats_count_before_a_longer_term_until_they_end() -> None:
    large = subscription(quantity=9, cancel_at=LATER)
    lasting = subscription(quantity=2, sub_id="sub_2")

    before = desired(organization(), large, lasting)
    after = desired(organization(), large, lasting, now=LATER)

    assert (before.seats, before.changes_at) == (9, LATER)
    assert (after.seats, after.changes_at) == (2, None)
