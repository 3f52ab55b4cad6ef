"""Strategies: any facts, any bodies, any policy of a realistic shape."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from unkey_sync.clock import DAY
from unkey_sync.model import Fact, State
from unkey_sync_connectors.event import SUBSCRIPTION_STATUSES, Kind

from tests.unit.core.given import AUTH, NO_AUTH, NOW, TIERS, fact, policy

instants = st.one_of(
    st.none(),
    st.integers(NOW - 40 * DAY, NOW + 40 * DAY),
    st.sampled_from([NOW, NOW + 1, NOW - 1, NOW + 7 * DAY]),
)
# Alphabets are spelled out: building the table of all characters takes Hypothesis a second.
short_texts = st.text("ab |é😀", max_size=5)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | short_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(short_texts, inner, max_size=3),
    max_leaves=5,
)
items = st.fixed_dictionaries(
    {
        "lookup_key": st.sampled_from(["pro", "max", "gold", None]),
        "product": st.sampled_from(["prod_pro", None]),
        "quantity": st.sampled_from([None, 0, 1, 5]),
    }
)
subscription_bodies = st.fixed_dictionaries(
    {
        "status": st.sampled_from([*sorted(SUBSCRIPTION_STATUSES), "odd"]),
        "items": st.lists(items, max_size=3),
        "trial_end": instants,
        "period_end": instants,
        "cancel_at": instants,
        "cancel_at_period_end": st.booleans(),
    }
)
account_bodies = st.fixed_dictionaries({"blocked": st.sampled_from([None, None, "banned", "locked"])})
member_bodies = st.fixed_dictionaries({"organization": st.just("e0"), "user": st.sampled_from(["u1", "u2"])})
feature_bodies = st.fixed_dictionaries({"features": st.lists(st.sampled_from(["max", "x"]), max_size=2)})
bodies: dict[Kind, st.SearchStrategy[dict[str, Any]]] = {
    Kind.USER: account_bodies,
    Kind.ORGANIZATION: account_bodies,
    Kind.MEMBERSHIP: member_bodies,
    Kind.SUBSCRIPTION: subscription_bodies,
    Kind.ENTITLEMENTS: feature_bodies,
}
KNOWN_KEYS = [
    *("status", "items", "trial_end", "period_end", "cancel_at", "cancel_at_period_end"),
    *("blocked", "metadata", "features", "organization", "user", "external_ref", "client_reference_id"),
]
wild_bodies = st.dictionaries(st.sampled_from(KNOWN_KEYS), json_values, max_size=5)


@st.composite
def facts(draw: st.DrawFn, kinds: tuple[Kind, ...] = tuple(Kind), *, wild: bool = False) -> Fact:
    kind = draw(st.sampled_from(kinds))
    return fact(
        kind,
        f"e{draw(st.integers(0, 3))}",
        draw(wild_bodies if wild else bodies.get(kind, st.just({}))),
        source=draw(st.sampled_from(["clerk", "stripe", "polar"])),
        version=draw(st.integers(NOW - 40 * DAY, NOW + DAY)),
        deleted=draw(st.booleans()) and draw(st.booleans()),
        past_due_since=draw(instants),
    )


def states(*, wild: bool = False, max_size: int = 6) -> st.SearchStrategy[State]:
    """States as the store makes them: one fact per entity."""
    some = st.lists(facts(wild=wild), max_size=max_size, unique_by=lambda f: (f.source, f.entity))
    return some.map(lambda chosen: State(subject="org_1", facts=tuple(chosen)))


worlds = st.sampled_from([AUTH, NO_AUTH])
LIFECYCLES = [
    "",
    'past_due = { grace = "0s", then = "default_plan" }\ndeleted = { erase_after = "5d" }',
    'canceled = { access = "now", then = "suspend" }\npaused = "keep"',
    'trialing = { grace = "2d", then = "suspend" }\npaused = "suspend"\nlocked = "keep"',
]
OWNERS = ["both", "user", "organization"]
POLICIES = [
    policy(f'{plans}\n[lifecycle]\n{lifecycle}\n[subjects]\nowner = "{owner}"')
    for plans in (TIERS, TIERS.replace("default = true", "default = false"), "")
    for lifecycle in LIFECYCLES
    for owner in OWNERS
]
policies = st.sampled_from(POLICIES)
