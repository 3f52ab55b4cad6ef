"""What verify and parse cost; run with -s to see the figures. The bound is loose, the figure is what counts."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import orjson

from tests.unit.connectors.support import NOW, clerk, sample, signed, stripe

if TYPE_CHECKING:
    from unkey_sync_connectors.base import Connector, Delivery

ROUNDS = 300


def test_one_stripe_and_one_clerk_event_cost_well_under_a_millisecond_together():
    subscription = padded(stripe(), "customer.subscription.updated")
    user = padded(clerk(), "user.updated")

    spent = microseconds(stripe(), subscription) + microseconds(clerk(), user)

    print(f"\nverify + parse: {spent:.0f} us for one Stripe and one Clerk event, {2e6 / spent:,.0f} events/s")
    assert spent < 1_000


def padded(connector: Connector, event_type: str) -> Delivery:
    """A signed sample of at least 2 KB."""
    payload = sample(connector, event_type)
    payload["padding"] = "x" * max(0, 2_048 - len(orjson.dumps(payload)))
    return signed(connector, payload)


def microseconds(connector: Connector, delivery: Delivery) -> float:
    """Best of five averages."""
    return min(_average(connector, delivery) for _ in range(5)) * 1e6


def _average(connector: Connector, delivery: Delivery) -> float:
    began = perf_counter()
    for _ in range(ROUNDS):
        connector.verify(delivery, NOW)
        connector.parse(delivery)
    return (perf_counter() - began) / ROUNDS
