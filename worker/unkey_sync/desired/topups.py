"""One-time purchases -> the credits they mean. Whether they were given already is not asked here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync_connectors.event import Kind

from unkey_sync.desired.purchases import matches_item
from unkey_sync.desired.reading import read_items, read_text
from unkey_sync.model import TopUp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unkey_sync.desired.reading import Item
    from unkey_sync.model import Fact, State
    from unkey_sync.policy import Policy, TopUpRule

_COUNTS = {"paid": False, "refunded": True}
"""Status of an order -> whether it was refunded. Whatever is not listed was never paid."""


def compute_top_ups(state: State, policy: Policy) -> tuple[TopUp, ...]:
    """The credits of all paid orders, also of refunded ones: what was given for those is taken back."""
    found = (one for fact in state.of(Kind.ORDER) for one in _of_order(fact, policy))
    return tuple(sorted(found))


def _of_order(fact: Fact, policy: Policy) -> Iterator[TopUp]:
    refunded = _COUNTS.get(read_text(fact.body, "status") or "")
    if fact.deleted or refunded is None:
        return
    credits: dict[str, int] = {}
    for item in read_items(fact.body):
        rule = _rule(policy, fact.source, item)
        if rule is not None:
            credits[rule.slot] = credits.get(rule.slot, 0) + rule.credits * (item.quantity or 1)
    for slot, number in credits.items():
        yield TopUp(f"{fact.source}:{fact.entity.id}:{slot}", slot, number, refunded)


def _rule(policy: Policy, source: str, item: Item) -> TopUpRule | None:
    """The first rule that fits: an item is never counted twice."""
    fitting = (
        rule
        for rule in policy.top_ups
        for match in rule.match
        if match.source == source and matches_item(match, item)
    )
    return next(fitting, None)
